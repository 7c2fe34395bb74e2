package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

// deploy is one run of the real program.
type deploy struct {
	t   *testing.T
	cmd *exec.Cmd
	out bytes.Buffer // standard output and error
}

// start runs thordeploy in dir with the lab's known hosts and no SSH settings
// of the account that runs the tests.
func start(t *testing.T, dir string, args ...string) *deploy {
	t.Helper()
	return startAs(t, dir, append([]string{"thordeploy"}, args...)...)
}

// startAs is start for a command line that comes to thordeploy in the end.
func startAs(t *testing.T, dir string, words ...string) *deploy {
	t.Helper()
	d := &deploy{t: t}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	d.cmd = exec.CommandContext(ctx, words[0], words[1:]...)
	d.cmd.Dir = dir
	d.cmd.Env = append(os.Environ(), "HOME="+dir, "SSH_AUTH_SOCK=")
	d.cmd.Stdout, d.cmd.Stderr = &d.out, &d.out
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return d
}

// code waits for the program's end and gives its exit code.
func (d *deploy) code() int {
	d.t.Helper()
	var e *exec.ExitError
	if err := d.cmd.Wait(); err != nil && !errors.As(err, &e) {
		d.t.Fatal(err)
	}
	return d.cmd.ProcessState.ExitCode()
}

// ends fails the test unless the program ends with code and its output has
// each of the texts.
func (d *deploy) ends(code int, texts ...string) {
	d.t.Helper()
	if got := d.code(); got != code {
		d.t.Errorf("exit code %d, want %d", got, code)
	}
	for _, text := range texts {
		if !strings.Contains(d.out.String(), text) {
			d.t.Errorf("no %q in the output", text)
		}
	}
	if d.t.Failed() {
		d.t.Log(d.out.String())
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sweepPlaybook is the trade's six steps; {{ scan }} is what runs on the host.
const sweepPlaybook = `
- hosts: all
  vars: {ram: /mnt/temp_ram, scan: "cp /etc/hostname report"}
  tasks:
    - mkdir: "{{ ram }}"
    - mount: {path: "{{ ram }}", fstype: ramfs, opts: size=10M, state: ephemeral}
    - copy: {src: pack/, dest: "{{ ram }}/"}
    - block:
        - {name: Scan, shell: "{{ scan }}", args: {chdir: "{{ ram }}"}}
      always:
        - fetch: {src: "{{ ram }}/report", dest: "reports/{{ inventory_hostname }}/report", flat: true}
        - unmount: {path: "{{ ram }}", remove: true}
`

// sweepDir is a folder with the playbook and a pack.
func sweepDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "sweep.yml", sweepPlaybook)
	write(t, dir, "pack/tool", "#!/bin/sh\necho hello\n")
	return dir
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) (host string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "127.0.0.1", l.Addr().(*net.TCPAddr).Port
}

// silentPort is an address where somebody listens and never says a word.
func silentPort(t *testing.T) (host string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "127.0.0.1", l.Addr().(*net.TCPAddr).Port
}

// more is an inventory of one further host at an address.
func more(t *testing.T, dir, name, host string, port int) string {
	t.Helper()
	return write(t, dir, name+".yml", fmt.Sprintf("all: {hosts: {%s: {ansible_host: %s, ansible_port: %d, ansible_user: root}}}\n", name, host, port))
}

func TestSweep(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 3})
	labtest.LeavesNothing(t, l)
	dir := sweepDir(t)
	host, port := closedPort(t)
	d := start(t, dir, "-i", l.Inventory, "-i", more(t, dir, "refused", host, port), "--known-hosts", l.KnownHosts, "sweep.yml")
	d.ends(4, "unreachable: [refused]", "connection refused", "hint: nothing listens on port ", "refused                    : ok=0    changed=0    unreachable=1",
		"host01                     : ok=6    changed=6    unreachable=0    failed=0", "3 files fetched from 3 hosts to "+dir+"/reports")
	for _, h := range l.Hosts {
		text, err := os.ReadFile(filepath.Join(dir, "reports", h.Name, "report"))
		if err != nil || strings.TrimSpace(string(text)) != h.Name {
			t.Errorf("report of %s: %q, %v", h.Name, text, err)
		}
	}
}

func TestLinearSweep(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	labtest.LeavesNothing(t, l)
	start(t, sweepDir(t), "-i", l.Inventory, "--known-hosts", l.KnownHosts, "--strategy", "linear", "-f", "1", "sweep.yml").
		ends(0, "host02                     : ok=6    changed=6")
}

func TestAFailedScanLeavesNothing(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	labtest.LeavesNothing(t, l)
	dir := sweepDir(t)
	// The report can't be fetched, so always ends before it unmounts: the
	// guard does.
	start(t, dir, "-i", l.Inventory, "--known-hosts", l.KnownHosts, "-e", "scan='sleep 300 & exit 1'", "sweep.yml").
		ends(2, "failed: [host01] Scan", "cleaned up: [host01] unmounted /mnt/temp_ram", "cleaned up: [host01] removed /mnt/temp_ram")
}

func TestHostKeys(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1})
	labtest.LeavesNothing(t, l)
	dir := sweepDir(t)
	_, other := newKey(t)
	changed := fmt.Sprintf("[%s]:%d %s", l.Hosts[0].Addr, l.Hosts[0].Port, ssh.MarshalAuthorizedKey(other))
	inv := write(t, dir, "hosts.yml", fmt.Sprintf("all: {hosts: {host01: {ansible_host: %s, ansible_port: %d, ansible_user: root, ansible_ssh_private_key_file: %s}}}\n",
		l.Hosts[0].Addr, l.Hosts[0].Port, l.Key))
	tests := []struct {
		name, known string
		texts       []string
	}{
		{"unknown", "", []string{"the host's key is unknown: it shows the ssh-ed25519 key SHA256:", dir + "/unknown", "hint: compare the fingerprint", "add this line to known_hosts"}},
		{"changed", changed, []string{"the host's ssh-ed25519 key has changed: " + dir + "/changed:1 has SHA256:", "hint: somebody may stand between", "ssh-keygen -R"}},
	}
	for _, tt := range tests {
		file := write(t, dir, tt.name, tt.known)
		d := start(t, dir, "-i", inv, "--known-hosts", file, "sweep.yml")
		d.ends(4, "unreachable=1")
		d.says("unreachable", "host01", append(tt.texts, "mkdir: host key ", "at: sweep.yml:")...)
	}
}

func newKey(t *testing.T) (private []byte, public ssh.PublicKey) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), key
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1, Accounts: []lab.Account{{Name: "pw", Password: "right-password", Sudo: lab.SudoPassword}}})
	labtest.LeavesNothing(t, l)
	dir := t.TempDir()
	h := l.Hosts[0]
	private, _ := newKey(t)
	key := write(t, dir, "otherkey", string(private))
	write(t, dir, "id.yml", "- hosts: all\n  tasks: [{name: Who, command: id -un, register: r}, {name: Say, debug: {msg: \"I am {{ r.stdout }}\"}}]\n")
	write(t, dir, "become.yml", "- hosts: all\n  become: true\n  tasks: [{name: Who, command: id -un, register: r}, {name: Say, debug: {msg: \"I am {{ r.stdout }}\"}}]\n")
	base := fmt.Sprintf("ansible_host: %s, ansible_port: %d", h.Addr, h.Port)
	inv := func(name, vars string) string {
		return write(t, dir, name, "all: {hosts: {host01: {"+base+", "+vars+"}}}\n")
	}
	tests := []struct {
		name, vars, playbook string
		code                 int
		texts                []string
	}{
		{"wrong key", "ansible_user: root, ansible_ssh_private_key_file: " + key, "id.yml", 4, []string{"unreachable: [host01] Who: auth", "hint: "}},
		{"wrong password", "ansible_user: pw, ansible_password: guess-4711", "id.yml", 4, []string{"unreachable: [host01] Who: auth", "tried password", "hint: check the account's name and password (-k, ansible_password)"}},
		{"right password", "ansible_user: pw, ansible_password: right-password", "id.yml", 0, []string{"I am pw"}},
		{"become with password", "ansible_user: pw, ansible_password: right-password, ansible_become_password: right-password", "become.yml", 0, []string{"I am root"}},
		{"become without the password", "ansible_user: pw, ansible_password: right-password", "become.yml", 2, []string{"failed: [host01] Who", "hint: give the password that sudo asks for (-K, "}},
		{"become with a wrong password", "ansible_user: pw, ansible_password: right-password, ansible_become_password: guess-4711", "become.yml", 2, []string{"failed: [host01] Who", "hint: "}},
		{"login by ssh args", "ansible_user: root, ansible_ssh_common_args: '-o IdentityFile=" + l.Key + " -o UserKnownHostsFile=" + l.KnownHosts + " -o StrictHostKeyChecking=yes'", "id.yml", 0, []string{"I am root"}},
		{"an unknown ssh arg", "ansible_user: root, ansible_ssh_common_args: '-o Frob=x'", "id.yml", 5, []string{"error: host host01: ansible_ssh_common_args: -o Frob is not known here"}},
		{"an ssh arg that would matter", "ansible_user: root, ansible_private_key_file: " + l.Key + ", ansible_ssh_common_args: '-A'", "id.yml", 0, []string{"warning: -A: the agent is not forwarded to hosts", "I am root"}},
		{"a template in a connection variable", "login: root, ansible_user: '{{ login }}', ansible_private_key_file: " + l.Key, "id.yml", 0, []string{"I am root"}},
		{"a wrong connection variable", "ansible_user: root, ansible_timeout: soon", "id.yml", 5, []string{"error: host host01: ansible_timeout is \"soon\"", "hint: "}},
		{"a connection variable that comes out wrong", "ansible_user: root, ansible_timeout: \"{{ 'soon' }}\"", "id.yml", 2, []string{"failed: [host01] Who: host host01: ansible_timeout"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := start(t, dir, "-v", "-i", inv(strings.ReplaceAll(tt.name, " ", "-")+".yml", tt.vars), "--known-hosts", l.KnownHosts, tt.playbook)
			d.ends(tt.code, tt.texts...)
			for _, secret := range []string{"right-password", "guess-4711"} {
				if strings.Contains(d.out.String(), secret) {
					t.Errorf("a password is shown:\n%s", d.out.String())
				}
			}
		})
	}
}

func TestSilentAndUnknownHosts(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1})
	labtest.LeavesNothing(t, l)
	dir := sweepDir(t)
	host, port := silentPort(t)
	begun := time.Now()
	start(t, dir, "-i", l.Inventory, "-i", more(t, dir, "silent", host, port), "-i", more(t, dir, "nosuch", "nosuch.invalid", 22),
		"--known-hosts", l.KnownHosts, "--timeout", "2", "sweep.yml").
		ends(4, "unreachable: [silent] mkdir: handshake", "said nothing for 2s", "hint: something else than sshd may listen there",
			"unreachable: [nosuch] mkdir: resolve", "hint: check the spelling", "host01                     : ok=6")
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("took %v with a timeout of 2 s", took)
	}
}

// waitFor waits until a script on a host succeeds.
func waitFor(t *testing.T, h *lab.Host, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		if _, err := h.Run(ctx, script); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("on %s this never came true: %s", h.Name, script)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

const scanning = "scan='echo partial > report; sleep 300'"

func TestHostDiesInATask(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	labtest.LeavesNothing(t, l)
	dir := sweepDir(t)
	write(t, dir, "vars.yml", "scan: \"{{ 'echo partial > report; sleep 300' if inventory_hostname == 'host01' else 'cp /etc/hostname report' }}\"\n")
	d := start(t, dir, "-i", l.Inventory, "--known-hosts", l.KnownHosts, "-e", "@vars.yml", "sweep.yml")
	waitFor(t, l.Hosts[0], "grep -q partial /mnt/temp_ram/report")
	if err := l.Hosts[0].Kill(); err != nil {
		t.Fatal(err)
	}
	d.ends(4, "unreachable: [host01] Scan: lost", "host01                     : ok=3    changed=3    unreachable=1    failed=0", "host02                     : ok=6")
}

func TestFirstInterruptFetchesAndCleans(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"ctrl-c": syscall.SIGINT, "term": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, lab.Options{N: 2})
			labtest.LeavesNothing(t, l)
			dir := sweepDir(t)
			d := start(t, dir, "-i", l.Inventory, "--known-hosts", l.KnownHosts, "-e", scanning, "sweep.yml")
			for _, h := range l.Hosts {
				waitFor(t, h, "grep -q partial /mnt/temp_ram/report")
			}
			if err := d.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			d.ends(99, "interrupted: ending running work", "failed: [host01] Scan: interrupted", "The run was interrupted.")
			for _, h := range l.Hosts {
				text, err := os.ReadFile(filepath.Join(dir, "reports", h.Name, "report"))
				if err != nil || string(text) != "partial\n" {
					t.Errorf("the partial report of %s: %q, %v", h.Name, text, err)
				}
			}
		})
	}
}

func TestSecondInterruptEndsAtOnce(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1})
	labtest.LeavesNothing(t, l) // the guard on the host sees to it
	dir := sweepDir(t)
	// always hangs too, so that the first interrupt alone would take long
	write(t, dir, "stuck.yml", strings.Replace(sweepPlaybook, "      always:\n", "      always:\n        - {name: Hang, command: sleep 300}\n", 1))
	d := start(t, dir, "-i", l.Inventory, "--known-hosts", l.KnownHosts, "-e", scanning, "stuck.yml")
	waitFor(t, l.Hosts[0], "grep -q partial /mnt/temp_ram/report")
	interrupt(t, d)
	waitFor(t, l.Hosts[0], "ps ax | grep -v grep | grep -q 'sleep 300' && ! ps ax | grep -v grep | grep -q 'echo partial'")
	begun := time.Now()
	interrupt(t, d)
	d.ends(99, "interrupted again: ending at once")
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

func interrupt(t *testing.T, d *deploy) {
	t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

func TestCommandTimeoutAndHostTimeout(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1})
	labtest.LeavesNothing(t, l)
	dir := sweepDir(t)
	write(t, dir, "timeout.yml", strings.Replace(sweepPlaybook, "{name: Scan,", "{name: Scan, timeout: 1,", 1))
	start(t, dir, "-i", l.Inventory, "--known-hosts", l.KnownHosts, "-e", scanning, "timeout.yml").
		ends(2, "failed: [host01] Scan: timed out after 1", "1 file fetched from 1 host")
	start(t, dir, "-i", l.Inventory, "--known-hosts", l.KnownHosts, "-e", scanning, "--host-timeout", "3s", "sweep.yml").
		ends(2, "failed: [host01] Scan: the host's time is up: 3s", "1 file fetched from 1 host")
}

func TestALotOfOutput(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1})
	labtest.LeavesNothing(t, l)
	dir := t.TempDir()
	write(t, dir, "flood.yml", `
- hosts: all
  tasks:
    - {name: Flood, shell: "yes 0123456789abcdef | head -c 100000000"}
`)
	d := start(t, dir, "-i", l.Inventory, "--known-hosts", l.KnownHosts, "flood.yml")
	peak := peakMemory(d.cmd.Process.Pid)
	d.ends(0, "changed: [host01] Flood")
	if kb := <-peak; kb == 0 || kb > 200<<10 {
		t.Errorf("peak memory of %d MB for 100 MB of output", kb>>10)
	}
}

// peakMemory gives the most memory that a process has had, in KB, once it has
// ended. It is not asked of the process's Rusage: a child's begins with what
// the process that it was forked from had, here the whole test's.
func peakMemory(pid int) <-chan int {
	out := make(chan int, 1)
	go func() {
		peak := 0
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, rest, found := strings.Cut(string(status), "VmHWM:")
			if err != nil || !found { // gone, or a zombie, which has no memory
				out <- peak
				return
			}
			_, _ = fmt.Sscan(rest, &peak)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return out
}
