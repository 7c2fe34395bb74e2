package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

// TestSecretsAreNowhere greps all that runs wrote, on both ends, for the
// passwords that they were given: what is shown, JSON lines, the journals, and
// the arguments and environments of every process on the host meanwhile.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	const login, become, wrong = "l0gin-s3cret", "b3come-s3cret", "wr0ng-s3cret"
	l := labtest.Start(t, lab.Options{N: 1, Backend: lab.Sshd, Accounts: []lab.Account{{Name: "ops", Password: login, Sudo: lab.SudoPassword}}})
	set := "echo 'root:" + become + "' | chpasswd; echo 'permit ops' >/etc/doas.conf; chmod 600 /etc/doas.conf"
	if out, err := l.Hosts[0].Run(t.Context(), set); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := exec.LookPath("doas"); err != nil {
		labtest.Lacking(t, err)
	}
	dir, inputs := t.TempDir(), t.TempDir()
	play := write(t, dir, "play.yml", `
- hosts: all
  become: true
  gather_facts: false
  tasks:
    - {name: Who, command: id -un}
    - {name: Look, shell: "for f in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do tr '\\000' '\\n' <$f; done >/root/seen 2>/dev/null; test -s /root/seen"}
    - {name: Bring, fetch: {src: /root/seen, dest: "seen-{{ how }}", flat: true}}
    - {name: Say, debug: {msg: "{{ ansible_become_password }} {{ ansible_password }}"}}
`)
	inv := plainInventory(t, dir, l)
	outputs := map[string][]byte{}
	run := func(how, method, password string, code int, flags ...string) {
		vars := write(t, inputs, how+".yml", "{ansible_user: ops, ansible_password: "+login+", ansible_become_method: "+method+", ansible_become_password: "+password+", how: "+how+"}\n")
		args := append([]string{"-i", inv, "--known-hosts", l.KnownHosts, "--ssh-common-args", "-F none", "-e", "@" + vars}, flags...)
		d := start(t, dir, append(args, play)...)
		d.ends(code)
		outputs[how] = d.out.Bytes()
	}
	run("sudo", "sudo", login, 0, "-vvv")
	run("su", "su", become, 0, "-vvv", "--diff")
	run("doas", "doas", login, 0, "--json", "-v")
	run("wrong-sudo", "sudo", wrong, 2, "-vvv")
	run("wrong-su", "su", wrong, 2, "--json", "-v")
	run("wrong-doas", "doas", wrong, 2, "-vvv")
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			files++
			outputs[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("%d files to look at, %v", files, err)
	}
	for _, how := range []string{"sudo", "su", "doas"} {
		if seen := outputs[filepath.Join(dir, "seen-"+how)]; !bytes.Contains(seen, []byte("sshd")) {
			t.Errorf("%s: the host's processes were not seen: %.200q", how, seen)
		}
	}
	for where, text := range outputs {
		for _, secret := range []string{login, become, wrong} {
			if i := bytes.Index(text, []byte(secret)); i >= 0 {
				t.Errorf("a password is in %s: …%s…", where, text[max(0, i-100):min(len(text), i+60)])
			}
		}
	}
}
