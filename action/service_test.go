package action

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What each service manager's programs do, with files for states: run-NAME runs,
// on-NAME starts with the host, mask-NAME is masked. A service is there if
// unit-NAME is.
var fakeServices = map[string]map[string]string{
	"systemd": {"systemctl": `for n; do :; done
case $1 in
show) l=loaded; [ -f $db/unit-$n ] || l=not-found; u=disabled; [ ! -f $db/on-$n ] || u=enabled; [ ! -f $db/mask-$n ] || { l=masked; u=masked; }
	[ $l != not-found ] || u=; a=inactive; [ ! -f $db/run-$n ] || a=active
	echo LoadState=$l; echo ActiveState=$a; echo UnitFileState=$u ;;
is-enabled) [ -f $db/on-$n ] ;;
start|restart|reload) case $n in broken*) echo "Job failed"; exit 1 ;; esac; : >$db/run-$n ;;
--no-block) : >$db/run-$n ;;
stop) rm -f $db/run-$n ;;
enable) : >$db/on-$n ;; disable) rm -f $db/on-$n ;; mask) : >$db/mask-$n ;; unmask) rm -f $db/mask-$n ;;
esac`},
	"openrc": {
		"rc-service": `case $1 in -e) [ -f $db/unit-$2 ]; exit ;; esac
case $2 in status) [ -f $db/run-$1 ] ;; start|restart|reload) case $1 in broken*) echo "Job failed"; exit 1 ;; esac; : >$db/run-$1 ;; stop) rm -f $db/run-$1 ;; esac`,
		"rc-update": `case $1 in show) for f in $db/on-*; do echo " ${f##*/on-} | default"; done ;; add) : >$db/on-$2 ;; del) rm -f $db/on-$2 ;; esac`,
	},
}

// TestService: each manager is asked in its own words, and for nothing that is
// so already.
func TestService(t *testing.T) {
	t.Parallel()
	for manager, scripts := range fakeServices {
		t.Run(manager, func(t *testing.T) {
			t.Parallel()
			underFakes(t, scripts, func(t *testing.T, h *host, dir string) {
				is := func(what string) bool { _, err := os.Stat(dir + "/db/" + what); return err == nil }
				write(t, dir+"/db/unit-web", "", 0o644)
				write(t, dir+"/db/unit-broken", "", 0o644)
				do := func(v values, options ...func(*Call)) Result {
					v["use"] = manager
					if v["name"] == nil {
						v["name"] = "web"
					}
					return h.run(t, "service", v, options...)
				}
				mustOK(t, do(values{"state": "started"}, inCheck), true)
				if is("run-web") {
					t.Error("check mode started it")
				}
				r := mustOK(t, do(values{"state": "started", "enabled": true}), true)
				if !is("run-web") || !is("on-web") || r.Values["state"] != "started" || r.Values["enabled"] != true || r.Values["name"] != "web" {
					t.Errorf("%v", r.Values)
				}
				mustOK(t, do(values{"state": "started", "enabled": true}), false)
				mustOK(t, do(values{"state": "restarted"}), true)
				mustOK(t, do(values{"state": "reloaded"}), true)
				log, _ := os.ReadFile(dir + "/log")
				for _, verb := range []string{"start", "restart", "reload"} {
					if !strings.Contains(string(log), verb) {
						t.Errorf("%s was never asked for:\n%s", verb, log)
					}
				}
				mustOK(t, do(values{"state": "stopped", "enabled": false}), true)
				if is("run-web") || is("on-web") {
					t.Error("it still runs, or starts")
				}
				mustOK(t, do(values{"state": "stopped", "enabled": false}), false)
				mustOK(t, do(values{"state": "reloaded"}), true)
				if !is("run-web") {
					t.Error("reloaded starts what doesn't run")
				}
				mustFail(t, do(values{"state": "started", "name": "none"}), "Could not find the requested service none")
				mustFail(t, do(values{"state": "started", "name": "broken"}), "failed with exit status 1", "Job failed")
				mustFail(t, do(values{"state": "started", "name": "../x"}), "can't be the name")
			})
		})
	}
}

func TestSystemd(t *testing.T) {
	t.Parallel()
	underFakes(t, fakeServices["systemd"], func(t *testing.T, h *host, dir string) {
		write(t, dir+"/db/unit-web", "", 0o644)
		do := func(v values) Result { return h.run(t, "systemd", v) }
		log := func() string { b, _ := os.ReadFile(dir + "/log"); return string(b) }
		mustOK(t, do(values{"daemon_reload": true}), false)
		if !strings.Contains(log(), "systemctl daemon-reload\n") {
			t.Errorf("it was not asked to reload:\n%s", log())
		}
		r := mustOK(t, do(values{"name": "web", "masked": true}), true)
		if status, _ := r.Values["status"].(map[string]any); status["LoadState"] != "loaded" {
			t.Errorf("status: %v", r.Values)
		}
		mustOK(t, do(values{"name": "web", "masked": true}), false)
		mustOK(t, do(values{"name": "web", "masked": false, "state": "started", "no_block": true}), true)
		if !strings.Contains(log(), "systemctl --no-block start -- web\n") {
			t.Errorf("no_block:\n%s", log())
		}
		mustFail(t, do(values{"state": "started"}), "name is required")
	})
	h := openHost(t, "none", "env PATH="+fakes(t, nil)+"/bin:/bin /bin/dash")
	if _, err := os.Stat("/bin/systemctl"); err != nil {
		mustFail(t, h.run(t, "systemd", values{"daemon_reload": true}), "no systemctl")
	}
}

// TestSysV runs an init script of its own; what starts with the host is told
// by update-rc.d.
func TestSysV(t *testing.T) {
	t.Parallel()
	name := "thordeploy-test-" + filepath.Base(t.TempDir()) + strings.ToLower(time.Now().Format("150405.000000"))
	script := "/etc/init.d/" + name
	state := t.TempDir()
	needRoot(t)
	write(t, script, "#!/bin/sh\ncase $1 in status) [ -f "+state+"/run ] ;; start) : >"+state+"/run; echo \"$2\" >"+state+"/args\n"+
		"sleep 300 & echo $! >>"+state+"/pid ;; stop) rm -f "+state+"/run ;; esac\n", 0o755)
	t.Cleanup(func() { _ = os.Remove(script) })
	h := openHost(t, "dash", "dash")
	start := time.Now()
	mustOK(t, h.run(t, "service", values{"name": name, "use": "sysv", "state": "started", "arguments": "fast"}), true)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("a daemon that keeps its output open was waited for: %v", took)
	}
	holds(t, state+"/args", "fast\n", 0o644)
	mustOK(t, h.run(t, "service", values{"name": name, "use": "sysv", "state": "started"}), false)
	mustOK(t, h.run(t, "service", values{"name": name, "use": "sysvinit", "state": "restarted", "sleep": 0}), true)
	mustOK(t, h.run(t, "service", values{"name": name, "use": "sysv", "state": "stopped"}), true)
	if pid, err := os.ReadFile(state + "/pid"); err == nil {
		h.run(t, "shell", values{"cmd": "kill " + strings.ReplaceAll(string(pid), "\n", " ")})
	}
}
