package lab_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

func TestShell(t *testing.T) {
	t.Parallel()
	before, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"dash", "bash", "busybox"} {
		t.Run(shell, func(t *testing.T) {
			onBackends(t, lab.Options{Shell: shell}, func(t *testing.T, l *lab.Lab) {
				h := l.Hosts[0]
				if got := ssh(t, h, "readlink -f /proc/$$/exe; readlink -f /bin/sh; true"); len(strings.Fields(got)) != 2 ||
					filepath.Base(strings.Fields(got)[0]) != shell || filepath.Base(strings.Fields(got)[1]) != shell {
					t.Errorf("root's shell and /bin/sh are %q, want %s", got, shell)
				}
				if got := run(t, h, "readlink -f /proc/$$/exe; true"); filepath.Base(got) != shell {
					t.Errorf("scripts run by %s, want %s", got, shell)
				}
				// env looks on PATH, where busybox's sh has its own ideas.
				got := ssh(t, h, "for c in tar mount stat sha256sum; do env $c --help 2>&1 | grep -c BusyBox; done; true")
				if want := map[bool]string{true: "1\n1\n1\n1", false: "0\n0\n0\n0"}[shell == "busybox"]; got != want {
					t.Errorf("which of tar, mount, stat and sha256sum are busybox's: %q, want %q", got, want)
				}
			})
		})
	}
	t.Cleanup(func() {
		if after, err := filepath.EvalSymlinks("/bin/sh"); err != nil || after != before {
			t.Errorf("/bin/sh of this machine is %s now (%v), and was %s", after, err, before)
		}
	})
}

func TestAccounts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("accounts want root, and this is the run as an ordinary user")
	}
	if _, err := exec.LookPath("sudo"); err != nil {
		labtest.Lacking(t, err)
	}
	accounts := []lab.Account{
		{Name: "ops", Sudo: lab.SudoFree},
		{Name: "pw", Password: "open $esame:1", Sudo: lab.SudoPassword},
		{Name: "plain"},
	}
	for _, shell := range []string{"", "busybox"} {
		t.Run("shell="+shell, func(t *testing.T) {
			onBackends(t, lab.Options{Accounts: accounts, Shell: shell}, func(t *testing.T, l *lab.Lab) { testAccounts(t, l, shell) })
		})
	}
}

func testAccounts(t *testing.T, l *lab.Lab, shell string) {
	h := l.Hosts[0]
	for _, c := range []struct{ user, command, stdin, want string }{
		{"ops", `echo $(id -un) $HOME $(pwd) $(stat -c %a .)`, "", "ops /home/ops /home/ops 700"},
		{"ops", "sudo -n id -u", "", "0"},
		{"ops", "sudo -n readlink -f /proc/self/exe", "", map[string]string{"": "/usr/bin/readlink", "busybox": "/usr/bin/busybox"}[shell]},
		{"pw", "sudo -S -p '' id -u", "open $esame:1\n", "0"},
		{"pw", "sudo -n id -u 2>/dev/null || echo refused", "", "refused"},
		{"pw", "sudo -S -p '' id -u 2>/dev/null || echo refused", "wrong\n", "refused"},
		{"plain", "sudo -n id -u 2>/dev/null || echo refused", "", "refused"},
		{"plain", "cat /etc/shadow 2>/dev/null || echo refused", "", "refused"},
		{"plain", "ls /run/thorlab/private 2>/dev/null || echo refused", "", "refused"},
	} {
		cmd := h.SSH(t.Context(), c.user, c.command)
		cmd.Stdin = strings.NewReader(c.stdin)
		out, err := cmd.Output()
		if got := strings.TrimSpace(string(out)); got != c.want {
			t.Errorf("%s: %s: got %q (%v), want %q", c.user, c.command, got, err, c.want)
		}
	}
	if _, err := dial(t, l, h, "pw", "open $esame:1"); err != nil {
		t.Errorf("pw can't log in with the password: %v", err)
	}
	for user, password := range map[string]string{"pw": "wrong", "ops": "guess"} {
		if _, err := dial(t, l, h, user, password); err == nil {
			t.Errorf("%s logs in with the password %q", user, password)
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a lab's")
	l := labtest.Start(t, lab.Options{N: 2, Dir: dir})
	for path, want := range map[string]os.FileMode{
		l.Dir: 0o700 | os.ModeDir, l.Key: 0o600, l.KnownHosts: 0o600, l.Inventory: 0o600,
		filepath.Join(dir, "hosts", "host01", "ssh_host_ed25519_key"): 0o600,
		filepath.Join(dir, "hosts", "host01", "sshd_config"):          0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: want mode %v, got %v (%v)", path, want, info.Mode(), err)
		}
	}
	if l.Inventory != filepath.Join(dir, "hosts.yml") || l.Key != filepath.Join(dir, "id_ed25519") || l.KnownHosts != filepath.Join(dir, "known_hosts") {
		t.Errorf("paths are %s, %s, %s", l.Inventory, l.Key, l.KnownHosts)
	}
	data, err := os.ReadFile(l.Inventory)
	if err != nil {
		t.Fatal(err)
	}
	var inventory struct {
		All struct {
			Vars  map[string]string
			Hosts map[string]struct {
				Host string `yaml:"ansible_host"`
				Port int    `yaml:"ansible_port"`
			}
		}
	}
	if err := yaml.Unmarshal(data, &inventory); err != nil {
		t.Fatal(err)
	}
	for _, h := range l.Hosts {
		if got := inventory.All.Hosts[h.Name]; got.Host != h.Addr || got.Port != h.Port {
			t.Errorf("the inventory has %s at %s:%d, want %s:%d", h.Name, got.Host, got.Port, h.Addr, h.Port)
		}
	}
	if vars := inventory.All.Vars; vars["ansible_ssh_private_key_file"] != l.Key || vars["ansible_user"] != "root" {
		t.Errorf("the inventory's variables are %v", vars)
	}
	if got := ssh(t, l.Hosts[1], "hostname"); got != "host02" {
		t.Errorf("the host says %q", got)
	}
}

// The inventory is for Ansible too: it is what thordeploy is compared with.
func TestAnsibleReadsInventory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("the run as root covers it")
	}
	ansible, err := exec.LookPath("ansible")
	if err != nil {
		labtest.Lacking(t, err)
	}
	l := labtest.Start(t, lab.Options{N: 2, Dir: filepath.Join(t.TempDir(), "a lab's")})
	cmd := exec.CommandContext(t.Context(), ansible, "-i", l.Inventory, "all", "-m", "raw", "-a", "hostname")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "ANSIBLE_LOCAL_TEMP="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "rc=0") != 2 {
		t.Errorf("ansible ends with %v:\n%s", err, out)
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	taken := t.TempDir()
	if err := os.WriteFile(filepath.Join(taken, "known_hosts"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    lab.Options
		want string
	}{
		{lab.Options{N: -1}, "a lab has 1 to 250"},
		{lab.Options{N: 251}, "a lab has 1 to 250"},
		{lab.Options{Backend: "dropbear"}, `unknown backend "dropbear": there are sshd and embedded`},
		{lab.Options{Shell: "zsh"}, `unknown shell "zsh": there are dash, bash and busybox`},
		{lab.Options{Backend: lab.Embedded, SSHDConfig: []string{"MaxSessions 1"}}, "SSHDConfig is for the backend sshd"},
		{lab.Options{Dir: taken}, "already has a known_hosts"},
		{lab.Options{Dir: filepath.Join(taken, "no", "such")}, "making the lab's folder"},
	} {
		l, err := lab.Start(t.Context(), c.o)
		if err == nil {
			l.Close()
			t.Errorf("%+v is taken", c.o)
			continue
		}
		if !strings.HasPrefix(err.Error(), "starting a lab: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: the error is %q, want it to say %q", c.o, err, c.want)
		}
	}
	if os.Geteuid() == 0 {
		for _, a := range []lab.Account{{Name: "Root"}, {Name: "a:b"}, {Name: "x", Sudo: "some"}, {Name: "x", Password: "a\nb"}} {
			if l, err := lab.Start(t.Context(), lab.Options{Accounts: []lab.Account{a}}); err == nil {
				l.Close()
				t.Errorf("account %+v is taken", a)
			}
		}
	}
	if mine, err := os.ReadFile(filepath.Join(taken, "known_hosts")); err != nil || string(mine) != "mine" {
		t.Errorf("the user's known_hosts is %q now (%v)", mine, err)
	}
}

func TestBrokenSshdIsExplained(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("OpenSSH's sshd wants root, and this is the run as an ordinary user")
	}
	_, err := lab.Start(t.Context(), lab.Options{Backend: lab.Sshd, SSHDConfig: []string{"NoSuchOption yes"}})
	if err == nil || !strings.Contains(err.Error(), "host01") || !strings.Contains(err.Error(), "NoSuchOption") {
		t.Errorf("the error is %v, want the host and sshd's own words", err)
	}
}
