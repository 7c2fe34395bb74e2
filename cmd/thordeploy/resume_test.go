package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// threeHosts is a playbook that notes each step of a host in a file of its own
// and holds host b up until a file is there.
const threeHosts = `- hosts: all
  gather_facts: false
  tasks:
    - shell: echo begun >> {{ inventory_hostname }}
      args: {chdir: "{{ playbook_dir }}"}
    - shell: "test {{ inventory_hostname }} != b || while ! test -e go; do sleep 0.05; done"
      args: {chdir: "{{ playbook_dir }}"}
    - shell: "echo done >> {{ inventory_hostname }}; test {{ inventory_hostname }} != a || test -e mended"
      args: {chdir: "{{ playbook_dir }}"}
`

// onThree starts the playbook, one host after the other, and waits until a is
// done and b is in work.
func onThree(t *testing.T, more ...string) (dir string, d *deploy) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.yml"), []byte(threeHosts), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-f", "1", "-i", "a,b,c,", "-e", "ansible_connection=local"}, more...)
	d = start(t, dir, append(args, "p.yml")...)
	for end := time.Now().Add(30 * time.Second); fileText(dir, "b") != "begun\n"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("host b was never begun:\n%s", d.out.String())
		}
	}
	return dir, d
}

func fileText(dir, name string) string {
	data, _ := os.ReadFile(filepath.Join(dir, name))
	return string(data)
}

func touch(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// kill ends the controller as nothing can be prepared for.
func (d *deploy) kill() {
	d.t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	_ = d.cmd.Wait()
}

func theRun(t *testing.T, dir string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "runs", "*"))
	if err != nil || len(list) != 1 {
		t.Fatalf("runs: %v %v", list, err)
	}
	return list[0]
}

// A run whose controller was killed is finished: what was done stays done, what
// was in work begins anew, what was never reached follows; a host that failed
// is tried again when that is asked for. Every host is counted once.
func TestResumeAfterKill(t *testing.T) {
	t.Parallel()
	dir, d := onThree(t)
	d.kill()
	start(t, dir, "runs").ends(0, "p.yml  cut short: 1 failed, 1 cut short, 1 not begun")
	touch(t, dir, "go")

	start(t, dir, "resume").ends(2, "2 hosts, 3 tasks", "in all, with what was done before: ", "finished: 2 ok, 1 failed")
	for name, want := range map[string]string{"a": "begun\ndone\n", "b": "begun\nbegun\ndone\n", "c": "begun\ndone\n"} {
		if got := fileText(dir, name); got != want {
			t.Errorf("host %s: %q, want %q", name, got, want)
		}
	}

	touch(t, dir, "mended")
	start(t, dir, "resume", "--retry", "unreachable").ends(2, "finished: 2 ok, 1 failed")
	start(t, dir, "resume", theRun(t, dir), "--retry", "failed,unreachable").ends(0, "1 host, 3 tasks", "finished: 3 ok")
	start(t, dir, "resume").ends(0, "finished: 3 ok")
	for name, want := range map[string]string{"a": "begun\ndone\nbegun\ndone\n", "b": "begun\nbegun\ndone\n"} {
		if got := fileText(dir, name); got != want {
			t.Errorf("host %s: %q, want %q", name, got, want)
		}
	}
}

// A journal cut at any byte can be resumed.
func TestResumeFromATornJournal(t *testing.T) {
	t.Parallel()
	dir, d := onThree(t)
	d.kill()
	touch(t, dir, "go")
	touch(t, dir, "mended")
	path := filepath.Join(theRun(t, dir), "journal.jsonl")
	whole := fileText("", path)
	for _, cut := range []int{0, 1, len(whole) / 3, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(path, []byte(whole[:cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		start(t, dir, "resume", "--retry", "failed").ends(0, "finished: 3 ok")
	}
}

func TestResumeRefuses(t *testing.T) {
	t.Parallel()
	dir, d := onThree(t)
	start(t, dir, "resume").ends(5, "another controller works on this run (process ", "wait for it")
	start(t, dir, "runs").ends(0, "p.yml  running: ")
	d.kill()
	touch(t, dir, "go")
	start(t, dir, "resume", "p.yml").ends(5, "p.yml is no run's folder")
	start(t, dir, "resume", "--retry", "skipped").ends(5, "--retry skipped is not known")

	// What the run was made of has changed since.
	book := filepath.Join(dir, "p.yml")
	if err := os.WriteFile(book, []byte(threeHosts+"    - command: touch more-{{ inventory_hostname }}\n      args: {chdir: \"{{ playbook_dir }}\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, dir, "resume").ends(5, "changed since the run began: "+book, "--accept-changes")
	if fileText(dir, "c") != "" {
		t.Error("host c was begun")
	}
	start(t, dir, "resume", "--accept-changes").ends(2, "finished: 2 ok, 1 failed")
	if _, err := os.Stat(filepath.Join(dir, "more-c")); err != nil {
		t.Error(err)
	}
}

// A secret that was given on the command line isn't kept, so the run can't be
// begun again with it.
func TestResumeKeepsNoSecret(t *testing.T) {
	t.Parallel()
	dir, d := onThree(t, "-e", "ansible_become_password=hunter2hunter2")
	d.kill()
	run := theRun(t, dir)
	for _, name := range []string{"inputs.json", "journal.jsonl"} {
		if strings.Contains(fileText(run, name), "hunter2") {
			t.Errorf("%s holds the secret", name)
		}
	}
	start(t, dir, "resume").ends(5, "was given a secret on its command line, which isn't kept")
}

// What a run was started with, where it is kept, and when it isn't.
func TestRunFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.yml"), []byte("- hosts: all\n  roles: [r]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "roles/r/tasks"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "roles/r/tasks/main.yml"), []byte("- debug: msg=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"-i", "a,", "-e", "ansible_connection=local"}
	start(t, dir, slices.Concat(base, []string{"--check", "p.yml"})...).ends(0)
	start(t, dir, slices.Concat(base, []string{"--run-dir", "none", "p.yml"})...).ends(0)
	if _, err := os.Stat(filepath.Join(dir, "runs")); err == nil {
		t.Error("a run that changes nothing is kept")
	}
	start(t, dir, slices.Concat(base, []string{"--run-dir", "p.yml/x", "p.yml"})...).ends(5, "make the run's folder", "--run-dir none")
	start(t, dir, slices.Concat(base, []string{"--run-dir", "kept", "p.yml"})...).ends(0)
	start(t, dir, slices.Concat(base, []string{"--run-dir", "kept", "p.yml"})...).ends(5, "file exists")
	var s started
	if err := json.Unmarshal([]byte(fileText(dir, "kept/inputs.json")), &s); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Args, slices.Concat(base, []string{"--run-dir", "kept", "p.yml"})) || s.Folder != dir {
		t.Errorf("%+v", s)
	}
	for _, name := range []string{"p.yml", "roles/r/tasks/main.yml"} {
		if sum, err := fileSum(filepath.Join(dir, name)); err != nil || s.Files[filepath.Join(dir, name)] != sum {
			t.Errorf("%s: %q, want %q", name, s.Files[filepath.Join(dir, name)], sum)
		}
	}
}
