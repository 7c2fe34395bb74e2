package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

const pingPlaybook = "- hosts: all\n  gather_facts: false\n  tasks: [{ping: }]\n"

// plainInventory has the lab's hosts with their addresses alone.
func plainInventory(t *testing.T, dir string, l *lab.Lab) string {
	t.Helper()
	var b strings.Builder
	for _, h := range l.Hosts {
		fmt.Fprintf(&b, "%s ansible_host=%s ansible_port=%d ansible_user=root\n", h.Name, h.Addr, h.Port)
	}
	return write(t, dir, "plain.ini", b.String())
}

// An ssh_config leads to hosts by names that only it knows, through jump hosts.
func TestSSHConfigAndJumpHosts(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 4})
	labtest.LeavesNothing(t, l)
	dir := t.TempDir()
	write(t, dir, "ping.yml", pingPlaybook)
	var config strings.Builder
	for i, h := range l.Hosts {
		fmt.Fprintf(&config, "Host node%d\n  HostName %s\n  Port %d\n", i+1, h.Addr, h.Port)
	}
	config.WriteString("Host node2\n  ProxyJump node1\nHost node3 node4\n  ProxyJump node1,root@node2\n" +
		"Host *\n  ForwardAgent yes\n  User root\n  IdentityFile " + l.Key + "\n  UserKnownHostsFile " + l.KnownHosts + "\n  GlobalKnownHostsFile none\n")
	write(t, dir, ".ssh/config", config.String())
	d := start(t, dir, "-i", "node1,node2,node3,node4", "ping.yml")
	d.ends(0, "node4                      : ok=1", "/.ssh/config:", "ForwardAgent isn't done here and was passed over")
	if n := strings.Count(d.out.String(), "ForwardAgent"); n != 1 {
		t.Errorf("what isn't done was said %d times", n)
	}

	// Only the jump host's own key is wrong.
	_, other := newKey(t)
	h := l.Hosts[0]
	write(t, dir, "wrong", fmt.Sprintf("[%s]:%d %s", h.Addr, h.Port, ssh.MarshalAuthorizedKey(other)))
	start(t, dir, "-i", "node3,", "--known-hosts", "wrong", "ping.yml").
		ends(4, fmt.Sprintf("host key %s:%d: jump host: the host's ssh-ed25519 key has changed", h.Addr, h.Port))

	// -F names another file, and -J goes without one.
	start(t, dir, "-i", "node1,", "--ssh-common-args", "-F none", "ping.yml").ends(4, "resolve node1:22")
	start(t, dir, "-i", "node1,", "--ssh-common-args", "-F nosuchfile", "ping.yml").ends(5, "-F nosuchfile: no such file", "hint: check the path")
	start(t, dir, "-i", plainInventory(t, dir, l), "-l", "host02", "--private-key", l.Key, "--known-hosts", l.KnownHosts,
		"--ssh-common-args", fmt.Sprintf("-F none -J root@%s:%d", h.Addr, h.Port), "ping.yml").ends(0, "host02                     : ok=1")
	start(t, dir, "-i", "node1,", "--ssh-extra-args", "-o ProxyCommand='sh -c \"echo no way >&2; exit 1\"'", "ping.yml").
		ends(4, "unreachable: [node1] ping: dial", "the ProxyCommand ended with exit status 1 before the host said anything: no way", "hint: try the command by hand")
	write(t, dir, ".ssh/config", "Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
	start(t, dir, "-i", "a,", "ping.yml").ends(5, "jump hosts need each other in a circle")
	write(t, dir, ".ssh/config", "Port x\n")
	start(t, dir, "-i", "a,", "ping.yml").ends(5, "/.ssh/config:1: Port is \"x\", which is not a port")
}

func TestAcceptNew(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 3})
	labtest.LeavesNothing(t, l)
	dir := t.TempDir()
	write(t, dir, "ping.yml", pingPlaybook)
	inv := plainInventory(t, dir, l)
	known, err := os.ReadFile(l.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.SplitAfter(string(known), "\n")[0]
	file := write(t, dir, ".ssh/known_hosts", strings.TrimSpace(first)) // without the end of its line
	args := []string{"-i", inv, "--private-key", l.Key, "--ssh-common-args", "-F none", "ping.yml"}
	start(t, dir, args...).ends(4, "host02                     : ok=0    changed=0    unreachable=1", "add this line to known_hosts")
	d := start(t, dir, append([]string{"--host-key", "accept-new"}, args...)...)
	d.ends(0, "2 new keys of hosts were accepted unseen and written to "+file)
	for _, h := range l.Hosts[1:] {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^  \[%s\]:%d +ssh-ed25519 SHA256:\S+$`, regexp.QuoteMeta(h.Addr), h.Port)).MatchString(d.out.String()) {
			t.Errorf("%s is not in the report:\n%s", h.Name, d.out.String())
		}
	}
	if got, _ := os.ReadFile(file); len(strings.Fields(string(got))) != len(strings.Fields(string(known))) {
		t.Errorf("known_hosts holds\n%s", got)
	}
	start(t, dir, args...).ends(0) // known by now
	d = start(t, dir, append([]string{"--host-key", "accept-new"}, args...)...)
	if d.ends(0); strings.Contains(d.out.String(), "accepted unseen") {
		t.Error("known keys are reported as new")
	}
	start(t, dir, append([]string{"--host-key", "ca"}, args...)...).ends(4, "only certificates count")
	start(t, dir, append([]string{"--host-key", "never"}, args...)...).ends(5, "--host-key never is not known")
	start(t, dir, append([]string{"--host-key-checking", "strict"}, args...)...).ends(0)

	fresh := filepath.Join(dir, "made", "known")
	d = start(t, dir, append([]string{"--host-key", "accept-new", "--known-hosts", fresh, "--json"}, args...)...)
	d.ends(0, "3 new keys of hosts were accepted unseen and written to "+fresh)
}

func TestScanKeys(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 3})
	dir := t.TempDir()
	write(t, dir, "ping.yml", pingPlaybook)
	known, err := os.ReadFile(l.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(known), "\n")
	inv := plainInventory(t, dir, l)
	// The first host is known, the second a stranger, the third another one.
	_, other := newKey(t)
	h := l.Hosts[2]
	write(t, dir, "some", lines[0]+fmt.Sprintf("[%s]:%d %s", h.Addr, h.Port, ssh.MarshalAuthorizedKey(other)))
	host, port := closedPort(t)
	args := []string{"hosts", "scan-keys", "-i", inv, "-i", more(t, dir, "refused", host, port), "--known-hosts", "some", "--ssh-common-args", "-F none"}
	d := start(t, dir, args...)
	d.ends(4, " ssh-ed25519 known\n"+lines[0], " ssh-ed25519 new\n"+lines[1], "CHANGED: some:2 has another key\n# "+lines[2],
		"error: host refused: dial", "connection refused", "hint: nothing listens on port")
	file := filepath.Join(dir, "keys")
	for range 2 {
		start(t, dir, append(args, "--write", "keys", "-l", "host0*")...).ends(2, lines[1])
		if got, _ := os.ReadFile(file); string(got) != lines[1] {
			t.Errorf("written: %q, want the new key alone, once: %q", got, lines[1])
		}
	}
	// Behind a jump host.
	start(t, dir, "hosts", "scan-keys", "-i", inv, "-l", "host02", "--known-hosts", l.KnownHosts, "--private-key", l.Key,
		"--ssh-common-args", fmt.Sprintf("-F none -J root@%s:%d", l.Hosts[0].Addr, l.Hosts[0].Port)).ends(0, lines[1])
	start(t, dir, "hosts", "scan-keys", "-i", inv, "-l", "nobody").ends(5, "no host is selected")
	start(t, dir, "hosts", "scan-keys").ends(5, "error: ")
}

// A wrong password stops at three hosts of a fleet, in words.
func TestAWrongPasswordForAFleet(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 6, Accounts: []lab.Account{{Name: "pw", Password: "right-password"}}})
	dir := t.TempDir()
	write(t, dir, "ping.yml", pingPlaybook)
	inv := plainInventory(t, dir, l)
	run := func(extra ...string) *deploy {
		return start(t, dir, append([]string{"-i", inv, "--known-hosts", l.KnownHosts, "--ssh-common-args", "-F none",
			"-e", "ansible_user=pw ansible_password=guess-4711", "ping.yml"}, extra...)...)
	}
	d := run()
	d.ends(4, "warning: no more logins as pw: the last 3 hosts in a row", "not tried: the last 3 hosts in a row", "hint: mend the credentials")
	if n := strings.Count(d.out.String(), "tried password"); n != 3 {
		t.Errorf("%d hosts were given the wrong password, want 3:\n%s", n, d.out.String())
	}
	if strings.Contains(d.out.String(), "guess-4711") {
		t.Error("the password is shown")
	}
	d = run("--max-auth-failures", "0")
	if d.ends(4); strings.Count(d.out.String(), "tried password") != 6 {
		t.Error("told to go on, it didn't")
	}
}
