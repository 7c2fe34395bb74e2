package action

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakes makes programs that note how they are called and, in a folder of
// files, which packages are there.
func fakes(t *testing.T, scripts map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(dir+"/db", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, script := range scripts {
		write(t, dir+"/bin/"+name, "#!/bin/sh\ndb="+dir+"/db log="+dir+"/log\necho \""+name+" $*\" >>$log\n"+script, 0o755)
	}
	return dir
}

// under opens a host under each shell with the fakes in front of its PATH.
func underFakes(t *testing.T, scripts map[string]string, f func(t *testing.T, h *host, dir string)) {
	t.Helper()
	for _, s := range testShells {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dir := fakes(t, scripts)
			path := dir + "/bin:/usr/bin:/bin"
			if s.name == "busybox" {
				box, err := busyboxDir()
				if err != nil {
					t.Fatal(err)
				}
				path = dir + "/bin:" + box
			}
			shell := strings.TrimPrefix(s.prefix, "env PATH={busybox} ")
			f(t, openHost(t, s.name, "env PATH="+path+" "+shell), dir)
		})
	}
}

// install and remove are what a fake manager's install and remove do with the
// words that are no options and no verbs.
const (
	fakeInstall = `for p; do case $p in -*|install|add|upgrade|update|dist-upgrade) ;; *) echo 1 >$db/$p ;; esac; done`
	fakeRemove  = `for p; do case $p in -*|remove|purge|del) ;; *) rm -f $db/$p ;; esac; done`
)

var fakeManagers = map[string]map[string]string{
	"apt": {
		"dpkg-query": `for p; do :; done; case $* in *Package*) cd $db && ls -l ;; *) [ -f $db/$p ] && echo "installed $(cat $db/$p)" ;; esac`,
		"apt-get": `case " $* " in
*" -s "*) for p; do :; done; [ ! -f $db/old-$p ] || echo "Inst $p" ;;
*" update "*) ;;
*" install "*) shift 8; case $* in *broken*) echo E: no; exit 100 ;; esac; rm -f $db/old-*; ` + fakeInstall + ` ;;
*" remove "*|*" purge "*) shift 5; ` + fakeRemove + ` ;;
esac`,
	},
	"dnf":    {"rpm": `for p; do :; done; case $1 in -qa) ls $db ;; *) [ -f $db/$p ] ;; esac`, "dnf": `case " $* " in *" check-update "*) for p; do :; done; [ ! -f $db/old-$p ] || exit 100 ;; *" install "*) ` + fakeInstall + ` ;; *" upgrade "*) rm -f $db/old-* ;; *" remove "*) ` + fakeRemove + ` ;; esac`},
	"zypper": {"rpm": `for p; do :; done; case $1 in -qa) ls $db ;; *) [ -f $db/$p ] ;; esac`, "zypper": `case " $* " in *" list-updates "*) for f in $db/old-*; do echo "v | r | ${f##*/old-} | 1"; done ;; *" install "*) rm -f $db/old-*; ` + fakeInstall + ` ;; *" remove "*) ` + fakeRemove + ` ;; esac`},
	"apk":    {"apk": `case $1 in info) if [ "$2" = -v ]; then ls $db; else [ -f $db/$3 ]; fi ;; version) [ ! -f $db/old-$5 ] || echo "$5" ;; add) rm -f $db/old-*; ` + fakeInstall + ` ;; del) ` + fakeRemove + ` ;; esac`},
	"pacman": {"pacman": `for p; do :; done; case $1 in -Q) if [ $# = 1 ]; then ls $db; else [ -f $db/$p ]; fi ;; -Qu) [ -f $db/old-$p ] ;; -S) rm -f $db/old-*; ` + fakeInstall + ` ;; -R) ` + fakeRemove + ` ;; esac`},
}

// TestPackage: each manager is asked for what it has its own words for.
func TestPackage(t *testing.T) {
	t.Parallel()
	for manager, scripts := range fakeManagers {
		t.Run(manager, func(t *testing.T) {
			t.Parallel()
			underFakes(t, scripts, func(t *testing.T, h *host, dir string) {
				if scripts["rpm"] != "" && h.shell == "busybox" {
					return // busybox has an rpm of its own, which its shell prefers; no system with dnf has that shell
				}
				do := func(v values, options ...func(*Call)) Result {
					v["use"] = manager
					return h.run(t, "package", v, options...)
				}
				mustOK(t, do(values{"name": "one, two"}, inCheck), true)
				nothingElse(t, dir+"/db")
				r := mustOK(t, do(values{"name": []any{"one", "two"}}), true)
				nothingElse(t, dir+"/db", "one", "two")
				if r.Values["rc"] != 0 || r.Values["manager"] != manager {
					t.Errorf("values: %v", r.Values)
				}
				mustOK(t, do(values{"name": []any{"one", "two"}}), false)
				mustOK(t, do(values{"name": []any{"one", "three"}, "state": "installed", "update_cache": true}), true)
				nothingElse(t, dir+"/db", "one", "three", "two")
				mustOK(t, do(values{"name": "one", "state": "latest"}), false)
				write(t, dir+"/db/old-one", "", 0o644)
				mustOK(t, do(values{"name": "one", "state": "latest"}, inCheck), true)
				mustOK(t, do(values{"name": "one", "state": "latest"}), true)
				mustOK(t, do(values{"name": "two", "state": "removed"}), true)
				mustOK(t, do(values{"name": "two", "state": "absent"}), false)
				nothingElse(t, dir+"/db", "one", "three")
				log, _ := os.ReadFile(dir + "/log")
				for _, line := range strings.Split(string(log), "\n") {
					if strings.Contains(line, "install ") && strings.Contains(line, "one three") {
						t.Errorf("what is there already was asked for again: %s", line)
					}
				}
			})
		})
	}
}

func TestPackageFindsItsManager(t *testing.T) {
	t.Parallel()
	for manager, scripts := range fakeManagers {
		if manager == "apt" {
			continue // this machine has it: TestAptForReal
		}
		t.Run(manager, func(t *testing.T) {
			t.Parallel()
			box, err := busyboxDir()
			if err != nil {
				t.Fatal(err)
			}
			h := openHost(t, "busybox", "env PATH="+fakes(t, scripts)+"/bin:"+onlyLinks(t, box, "dpkg", "dpkg-deb", "rpm")+" /bin/dash")
			if r := mustOK(t, h.run(t, "package", values{"name": "x"}), true); r.Values["manager"] != manager {
				t.Errorf("values: %v", r.Values)
			}
		})
	}
	box, err := busyboxDir()
	if err != nil {
		t.Fatal(err)
	}
	h := openHost(t, "none", "env PATH="+onlyLinks(t, box, "dpkg", "dpkg-deb", "rpm")+" /bin/dash")
	mustFail(t, h.run(t, "package", values{"name": "x"}), "none of apt-get, dnf")
	mustFail(t, h.run(t, "yum", values{"name": "x"}), "the host has no yum")
	mustFail(t, h.run(t, "package", values{"name": "--allow"}), "can't be the name of a package")
}

// onlyLinks is a folder of links without some.
func onlyLinks(t *testing.T, dir string, without ...string) string {
	t.Helper()
	out := t.TempDir()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
next:
	for _, e := range list {
		for _, w := range without {
			if e.Name() == w {
				continue next
			}
		}
		if err := os.Symlink(filepath.Join(dir, e.Name()), filepath.Join(out, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestAptWords: what apt alone knows.
func TestAptWords(t *testing.T) {
	t.Parallel()
	underFakes(t, fakeManagers["apt"], func(t *testing.T, h *host, dir string) {
		said := func(words string) {
			t.Helper()
			log, _ := os.ReadFile(dir + "/log")
			if !strings.Contains(string(log), words) {
				t.Errorf("%q was not run:\n%s", words, log)
			}
		}
		mustOK(t, h.run(t, "apt", values{"name": "a", "install_recommends": false, "default_release": "testing"}), true)
		said("--no-install-recommends install --target-release=testing a")
		mustOK(t, h.run(t, "apt", values{"name": "a", "state": "absent", "purge": true, "autoremove": true}), true)
		said("--auto-remove purge a")
		r := mustOK(t, h.run(t, "apt", values{"update_cache": true}), true)
		said("apt-get -q update")
		if r.Values["cache_updated"] != true {
			t.Errorf("values: %v", r.Values)
		}
		mustFail(t, h.run(t, "apt", values{"name": "broken"}), "apt-get", "exit status 100", "E: no")
		mustOK(t, h.run(t, "apt", values{"name": "*", "state": "latest"}), false)
		said("--force-confold dist-upgrade")
		write(t, dir+"/db/v", "2.0", 0o644)
		mustOK(t, h.run(t, "apt", values{"name": "v=2.0"}), false)
		mustOK(t, h.run(t, "apt", values{"name": "v=3.0"}, inCheck), true)
	})
}

// TestAptForReal: dpkg's own answers, on a machine that has it.
func TestAptForReal(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("dpkg-query"); err != nil {
		t.Skip("this machine has no dpkg")
	}
	h := openHost(t, "dash", "dash")
	mustOK(t, h.run(t, "apt", values{"name": "dpkg"}), false)
	mustOK(t, h.run(t, "package", values{"name": "dpkg, coreutils", "use": "apt"}), false)
	mustOK(t, h.run(t, "apt", values{"name": "no-such-package-4711", "state": "absent"}), false)
	mustOK(t, h.run(t, "apt", values{"name": "dpkg", "state": "absent"}, inCheck), true)
	mustFail(t, h.run(t, "apt", values{"name": "no-such-package-4711"}), "no-such-package-4711", "update_cache: true")
}
