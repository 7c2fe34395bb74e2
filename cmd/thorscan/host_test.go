package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"thordeploy/scanner/finding"
	"thordeploy/scanner/samples"
)

// need skips a test for the given reason, except in CI, which has everything.
func need(t *testing.T, have bool, what string) {
	t.Helper()
	if !have {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI has to run this test: %s", what)
		}
		t.Skip(what)
	}
}

func TestRunsInAnEmptyChroot(t *testing.T) {
	need(t, os.Getuid() == 0, "chroot needs root")
	root := t.TempDir()
	newPack(t, root)
	plantAll(t, root)
	cmd := exec.Command("/thorscan", "--json", "-l", "/thor.txt", "-a", "Filescan") // no /proc there
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	cmd.Dir, cmd.Env = "/", []string{}
	checkAllFound(t, foundRules(t, cmd))
	if log, err := os.ReadFile(filepath.Join(root, "thor.txt")); err != nil || !bytes.Contains(log, []byte("Scan complete")) {
		t.Errorf("the log in the chroot: %v\n%s", err, log)
	}
}

// The executable for the other architecture runs, with the rules that this one
// compiled.
func TestRunsOnTheOtherArchitecture(t *testing.T) {
	arch, qemu := "arm64", "qemu-aarch64-static"
	if runtime.GOARCH == "arm64" {
		arch, qemu = "amd64", "qemu-x86_64-static"
	}
	for _, tool := range []string{crossCompilers[arch], qemu} {
		_, err := exec.LookPath(tool)
		need(t, err == nil, tool+" is not installed")
	}
	exe, err := static[arch]()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	newPack(t, dir)
	plantAll(t, dir)
	cmd := exec.Command(qemu, exe, "--json", "--signatures", filepath.Join(dir, "signatures"), "-p", filepath.Join(dir, "samples"))
	checkAllFound(t, foundRules(t, cmd))
}

// Names that act on terminals and logs come out as text, in every output.
func TestHostileNamesComeOutAsText(t *testing.T) {
	dir := t.TempDir()
	exe := newPack(t, dir)
	eicar, ok := samples.For("Test_EICAR_File")
	if !ok {
		t.Fatal("no sample")
	}
	names := []string{"new\nline THOR: Alert: x", "\x1b]0;title\x07\x1b[2J", "bad\xff\xfe\xc3(", "\u202egnp.sh", "\u009b31m"}
	for _, name := range names {
		if err := os.MkdirAll(dir+"/x", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/x/"+name, eicar.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("x", dir+"/x/link\n\x1b[1m"); err != nil { // in the list of what was left out
		t.Fatal(err)
	}
	run := func(args ...string) []byte {
		var out bytes.Buffer
		cmd := exec.Command(exe, append(args, "-p", dir+"/x", "-p", "\x1b[1mnone\n")...)
		cmd.Stdout, cmd.Stderr = &out, &out
		if code := exitOf(cmd.Run()); code != exitFindings {
			t.Errorf("exit code %d\n%q", code, out.String())
		}
		return out.Bytes()
	}
	outputs := map[string][]byte{"people": run("-l", dir+"/thor.txt", "--jsonfile", dir+"/thor.json"), "json": run("--json")}
	for name, file := range map[string]string{"text log": "/thor.txt", "JSON log": "/thor.json"} {
		data, err := os.ReadFile(dir + file)
		if err != nil {
			t.Fatal(err)
		}
		outputs[name] = data
	}
	for name, data := range outputs {
		if !utf8.Valid(data) {
			t.Errorf("%s is not UTF-8", name)
		}
		for _, r := range string(data) {
			if r != '\n' && r != ' ' && !unicode.IsPrint(r) {
				t.Errorf("%s holds %U", name, r)
			}
		}
		if strings.Contains(string(data), "\nline THOR") {
			t.Errorf("%s: a name began a line", name)
		}
	}
	found, _ := events(t, outputs["JSON log"])
	got := map[string]bool{}
	for _, a := range found {
		got[strings.TrimPrefix(a.Subject.SubjectName(), dir+"/x/")] = true
	}
	for _, name := range names {
		if !got[finding.PathText(name)] {
			t.Errorf("no finding for %q", name)
		}
	}
}

// slowPack is a pack whose rules take forever on a file named slow.
func slowPack(t *testing.T, dir string) string {
	t.Helper()
	exe := newPack(t, dir)
	custom := filepath.Join(dir, "custom-signatures", "yara")
	if err := os.MkdirAll(custom, 0o755); err != nil {
		t.Fatal(err)
	}
	rule := `rule Slow { condition: filename == "slow" and for all i in (1..99999999999) : (i > 0) }`
	if err := os.WriteFile(custom+"/slow.yar", []byte(rule), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/slow", []byte("slow"), 0o644); err != nil {
		t.Fatal(err)
	}
	return exe
}

// TERM ends a scan at once, even in the middle of a file, and the report of
// what was done is complete.
func TestTermEndsTheScanWithAReport(t *testing.T) {
	for _, c := range []struct {
		name   string
		signal syscall.Signal
		plant  bool
		code   int
	}{
		{"with a finding", syscall.SIGTERM, true, exitFindings},
		{"without", syscall.SIGTERM, false, exitFailed},
		{"INT", syscall.SIGINT, false, exitFailed},
		{"HUP", syscall.SIGHUP, false, exitFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			exe := slowPack(t, dir)
			args := []string{"--threads", "1", "--json", "-l", dir + "/thor.txt"}
			if c.plant {
				s, _ := samples.For("Test_EICAR_File")
				path, err := s.Write(dir)
				if err != nil {
					t.Fatal(err)
				}
				args = append(args, "-p", path)
			}
			args = append(args, "-p", dir+"/slow")
			cmd := exec.Command(exe, args...)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			r := bufio.NewReader(stdout)
			wait := 1 // lines until the slow file is in work
			if c.plant {
				wait = 2
			}
			var lines []byte
			for range wait {
				line, err := r.ReadBytes('\n')
				if err != nil {
					t.Fatalf("the scan says %q: %v", lines, err)
				}
				lines = append(lines, line...)
			}
			time.Sleep(200 * time.Millisecond)
			begun := time.Now()
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			rest := new(bytes.Buffer)
			if _, err := rest.ReadFrom(r); err != nil {
				t.Fatal(err)
			}
			code := exitOf(cmd.Wait())
			// Half a second is the scan's own limit; the rest is for a busy machine.
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("it ended after %v", took)
			}
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			found, messages := events(t, append(lines, rest.Bytes()...))
			last := messages[len(messages)-1]
			if (len(found) == 1) != c.plant || last.Fields["interrupted"] != true || last.Fields["state"] != "interrupted" ||
				last.Fields["not_looked_at"].(map[string]any)["scan interrupted"] != 1.0 {
				t.Errorf("%d findings, last message %+v", len(found), last)
			}
			if log, err := os.ReadFile(dir + "/thor.txt"); err != nil || !bytes.Contains(log, []byte("Scan interrupted: ")) {
				t.Errorf("the text log lacks its end: %v\n%s", err, log)
			}
		})
	}
}

// A crash, here the one that SIGQUIT asks Go for, must not end with exit code
// 2, which means findings, nor leave a core.
func TestACrashIsNotTakenForFindings(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(slowPack(t, dir), "-p", dir+"/slow")
	cmd.Dir = dir
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	if _, err := bufio.NewReader(stdout).ReadBytes('\n'); err != nil { // it has begun
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // what it ended with is looked at here
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGABRT || status.CoreDump() {
		t.Errorf("it ended with %v, core dumped: %v", cmd.ProcessState, status.CoreDump())
	}
}

func TestTimeLimits(t *testing.T) {
	dir := t.TempDir()
	exe := slowPack(t, dir)
	run := func(args ...string) (int, *finding.Message) {
		out, err := exec.Command(exe, append(args, "--json", "-p", dir+"/slow")...).Output()
		_, messages := events(t, out)
		return exitOf(err), messages[len(messages)-1]
	}
	code, last := run("--max_runtime", "300ms")
	if code != exitFailed || last.Fields["state"] != "out of time (--max_runtime)" {
		t.Errorf("--max_runtime: exit code %d, state %v", code, last.Fields["state"])
	}
	// One file that takes too long is counted; the scan goes on and is not failed by it.
	code, last = run("--yara-timeout", "1")
	if code != exitClean || last.Fields["not_looked_at"].(map[string]any)["matching took too long"] != 1.0 || last.Fields["missed"] != 1.0 {
		t.Errorf("--yara-timeout: exit code %d, %v", code, last.Fields)
	}
}

// The reader of standard output may go away: the logs are finished, and the
// exit code says that something was lost.
func TestAClosedStandardOutput(t *testing.T) {
	dir := t.TempDir()
	exe := newPack(t, dir)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	cmd := exec.Command(exe, "-p", dir+"/signatures", "-l", dir+"/thor.txt")
	cmd.Stdout = w
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	code := exitOf(cmd.Run())
	w.Close()
	if code != exitFailed || !strings.Contains(stderr.String(), "standard output") {
		t.Errorf("exit code %d, errors %q", code, stderr.String())
	}
	if log, err := os.ReadFile(dir + "/thor.txt"); err != nil || !bytes.Contains(log, []byte("Scan complete")) {
		t.Errorf("the log: %v\n%s", err, log)
	}
}

// A log that fails is told in the log that doesn't: its exit code is the one
// that the process ends with.
func TestAFullLogIsToldInTheOther(t *testing.T) {
	need(t, os.Getuid() == 0, "mounting needs root")
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	if err := os.Mkdir(full, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", full, "tmpfs", 0, "size=4k"); err != nil {
		t.Fatal(err)
	}
	defer syscall.Unmount(full, syscall.MNT_DETACH)
	if err := os.WriteFile(full+"/filler", make([]byte, 4096), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(newPack(t, dir), "-p", dir+"/signatures", "-l", full+"/thor.txt", "--json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if code := exitOf(err); code != exitFailed || !strings.Contains(stderr.String(), "no space left on device") {
		t.Errorf("exit code %d, errors %q", code, stderr.String())
	}
	_, messages := events(t, out)
	if last := messages[len(messages)-1]; last.Fields["exit_code"] != float64(exitFailed) || last.Fields["state"] != "complete, but a log could not be written" {
		t.Errorf("the last message: %v", last.Fields)
	}
}

// What a stock system consists of draws no Warning or Alert.
func TestStockFilesDrawNoWarning(t *testing.T) {
	dir := t.TempDir()
	args := []string{"--json", "--min", "60"}
	for _, pattern := range []string{
		"/usr/sbin", "/etc/pam.d", "/etc/init.d", "/etc/cron*", "/etc/ssh", "/etc/passwd", "/etc/profile*", "/etc/bash.bashrc",
		"/usr/lib/*/security", "/usr/lib/systemd/system", "/usr/lib/udev", "/etc/apt", "/usr/lib/openssh", "/usr/share/bash-completion",
		"/usr/bin/[a-m]*sh", "/usr/bin/su*", "/usr/bin/ch*", "/usr/bin/pass*", "/usr/bin/ssh*", "/usr/bin/mount", "/usr/bin/ld*", "/usr/bin/perl",
	} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			args = append(args, "-p", path)
		}
	}
	out, err := exec.Command(newPack(t, dir), args...).Output()
	found, _ := events(t, out)
	for _, a := range found {
		t.Errorf("%s %d: %s: %s", a.Meta.Level, a.Score, a.Subject.SubjectName(), a.Reasons[0].Summary)
	}
	if code := exitOf(err); code != exitClean {
		t.Errorf("exit code %d", code)
	}
}
