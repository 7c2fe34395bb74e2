package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"thordeploy/scanner/finding"
	"thordeploy/scanner/samples"
)

// static builds the scanner as it is shipped, once for each architecture, and
// returns the executable's path.
var static = map[string]func() (string, error){
	"amd64": sync.OnceValues(func() (string, error) { return buildStatic("amd64") }),
	"arm64": sync.OnceValues(func() (string, error) { return buildStatic("arm64") }),
}

var buildDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "thorscan-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	buildDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func buildStatic(arch string) (string, error) {
	out := filepath.Join(buildDir, "thorscan-"+arch)
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "netgo,osusergo",
		"-ldflags", `-s -w -linkmode external -extldflags "-static"`, "-o", out, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOARCH="+arch)
	if arch != runtime.GOARCH {
		cmd.Env = append(cmd.Env, "CC="+crossCompilers[arch])
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building for %s: %w\n%s", arch, err, text)
	} else if len(text) > 0 {
		return "", fmt.Errorf("building for %s warns, so something of libc is not linked statically:\n%s", arch, text)
	}
	return out, nil
}

var crossCompilers = map[string]string{"amd64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}

// shipped returns the executable for this machine.
func shipped(t testing.TB) string {
	t.Helper()
	path, err := static[runtime.GOARCH]()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// newPack makes a pack, the scanner with the project's own rules, below dir.
func newPack(t testing.TB, dir string) string {
	t.Helper()
	exe := copyFile(t, shipped(t), filepath.Join(dir, "thorscan"))
	if err := os.MkdirAll(filepath.Join(dir, "signatures"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(exe, "signatures", "pack", "--out", filepath.Join(dir, "signatures", "thor.yac"), "../../signatures/yara").CombinedOutput()
	if err != nil {
		t.Fatalf("packing the own rules: %v\n%s", err, out)
	}
	return exe
}

// copyFile copies an executable. While it is open for writing no other test may
// fork: its child would hold the file open until it executes something, and
// nothing that is open for writing can be executed.
func copyFile(t testing.TB, from, to string) string {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}

// exitOf returns a command's exit code.
func exitOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

func TestScripts(t *testing.T) {
	exe := shipped(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			pack := filepath.Join(env.WorkDir, "pack")
			if err := os.MkdirAll(filepath.Join(pack, "signatures"), 0o755); err != nil {
				return err
			}
			if err := os.Link(exe, filepath.Join(pack, "thorscan")); err != nil {
				return err
			}
			env.Setenv("PATH", pack+":"+env.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     cmdExits,
			"modes":     cmdModes,
			"glob":      cmdGlob,
			"jsonlines": cmdJSONLines,
		},
	})
}

// exits CODE COMMAND… runs a command that has to end with that exit code.
func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitOf(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// modes MODE FILE… checks permissions.
func cmdModes(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", name, got, args[0])
		}
	}
}

// glob PATTERN checks that one file has such a name.
func cmdGlob(ts *testscript.TestScript, _ bool, args []string) {
	names, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(names) != 1 {
		ts.Fatalf("%s fits %v, want one file", args[0], names)
	}
}

// jsonlines N checks that the last output is lines of the log, N of them
// findings.
func cmdJSONLines(ts *testscript.TestScript, _ bool, args []string) {
	findings := 0
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		event, err := finding.Parse([]byte(line))
		ts.Check(err)
		if _, ok := event.(*finding.Assessment); ok {
			findings++
		}
	}
	if strconv.Itoa(findings) != args[0] {
		ts.Fatalf("%d findings, want %s", findings, args[0])
	}
}

// events reads JSON lines, each of which must be an event.
func events(t testing.TB, data []byte) (found []*finding.Assessment, messages []*finding.Message) {
	t.Helper()
	for line := range strings.Lines(string(data)) {
		event, err := finding.Parse([]byte(line))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		switch e := event.(type) {
		case *finding.Assessment:
			found = append(found, e)
		case *finding.Message:
			messages = append(messages, e)
		}
	}
	return found, messages
}

// foundRules scans root with exe and returns the rules that matched, with the
// level of their finding.
func foundRules(t testing.TB, cmd *exec.Cmd) map[string]finding.Level {
	t.Helper()
	out, err := cmd.Output()
	if code := exitOf(err); code != exitFindings {
		var stderr []byte
		if exit := new(exec.ExitError); errors.As(err, &exit) {
			stderr = exit.Stderr
		}
		t.Fatalf("%v ended with %d, want %d (%v)\n%s%s", cmd.Args, code, exitFindings, err, out, stderr)
	}
	rules := map[string]finding.Level{}
	found, _ := events(t, out)
	for _, a := range found {
		for _, r := range a.Reasons {
			rules[r.Signature.RuleName] = a.Meta.Level
		}
	}
	return rules
}

// plantAll writes each rule's sample into a root of its own below dir, since
// several are about the same file.
func plantAll(t testing.TB, dir string) {
	t.Helper()
	for _, s := range samples.All() {
		if _, err := s.Write(filepath.Join(dir, "samples", s.Rule)); err != nil {
			t.Fatal(err)
		}
	}
}

func checkAllFound(t *testing.T, rules map[string]finding.Level) {
	t.Helper()
	for _, s := range samples.All() {
		if rules[s.Rule] == "" {
			t.Errorf("%s did not find its sample", s.Rule)
		}
	}
}

func TestTheBinaryIsStaticAndSmall(t *testing.T) {
	path := shipped(t)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= 12<<20 {
		t.Errorf("the binary has %d bytes, more than 12 MB", info.Size())
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary is linked dynamically: it has a %v header", p.Type)
		}
	}
}
