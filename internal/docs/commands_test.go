package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

func TestMain(m *testing.M) {
	lab.Main()
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built) // a leftover in the temporary folder harms nobody
	}
	os.Exit(code)
}

// fakeScanner stands in for thorscan: compiling libyara would take longer than
// all that is tested here, and the real one has its own tests. It writes the
// logs that it is asked for and has one finding, an alert.
const fakeScanner = `#!/bin/sh
while [ $# -gt 0 ]; do
	case $1 in
	-l | --jsonfile) echo report >"$2" && shift ;;
	esac
	shift
done
echo '{"type":"THOR assessment","meta":{"level":"Alert","module":"Filescan"},"message":"Suspicious file found","score":90}'
echo '{"type":"THOR message","message":"Scan complete","fields":{"state":"complete"}}'
exit 2
`

// place is a folder as a reader of the pages has it: the programs in bin/, the
// pack in dist/, and the files that the pages take for granted.
type place struct {
	t   *testing.T
	dir string
	env []string
}

// built is the folder that programs made.
var built string

// programs builds thordeploy and thorlab into built, once for all tests.
var programs = sync.OnceValue(func() error {
	var err error
	if built, err = os.MkdirTemp("", "docs-programs-"); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", built, "./cmd/thordeploy", "./cmd/thorlab")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})

func newPlace(t *testing.T, hosts string) *place {
	t.Helper()
	if err := programs(); err != nil {
		t.Fatalf("building the programs: %v", err)
	}
	p := &place{t: t, dir: t.TempDir()}
	p.env = append(os.Environ(), "HOME="+p.dir, "SSH_AUTH_SOCK=", "PATH="+filepath.Join(p.dir, "bin")+":"+os.Getenv("PATH"))
	if err := os.Mkdir(filepath.Join(p.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"thordeploy", "thorlab"} {
		if err := os.Symlink(filepath.Join(built, name), filepath.Join(p.dir, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	p.write("bin/thorscan", fakeScanner)
	for _, arch := range []string{"amd64", "arm64"} {
		p.write("dist/pack/linux-"+arch+"/thorscan", fakeScanner)
		p.write("dist/pack/linux-"+arch+"/custom-signatures/yara/README", "")
	}
	p.write("my-rules.yar", "rule mine { condition: false }\n")
	p.write("rules.yar", "rule ours { condition: false }\n")
	p.write("hosts.yml", hosts)
	return p
}

func (p *place) write(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		p.t.Fatal(err)
	}
}

// run runs a command line in the folder and gives its output and exit code.
func (p *place) run(line string) (output string, code int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env = p.dir, p.env
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// stay starts a command that stays until it is interrupted, as thorlab does,
// and waits until it says so. It ends with the test.
func (p *place) stay(line string) {
	p.t.Helper()
	out := &syncBuffer{}
	cmd := exec.Command("sh", "-c", "exec "+line)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, out, out
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	var end error
	go func() { end = cmd.Wait(); close(ended) }()
	p.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // it may have ended, which Wait tells
		select {
		case <-ended:
			if end != nil {
				p.t.Errorf("%s ended with %v\n%s", line, end, out)
			}
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			p.t.Errorf("%s does not end when interrupted\n%s", line, out)
		}
	})
	up := time.After(time.Minute)
	for !strings.Contains(out.String(), "Interrupt") {
		select {
		case <-ended:
			p.t.Fatalf("%s ended before it was up: %v\n%s", line, end, out)
		case <-up:
			p.t.Fatalf("%s is not up after a minute\n%s", line, out)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// syncBuffer is a buffer that is written to while it is read.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// commandLines are the command lines of a page's sh blocks, in order, without
// comments; a line that ends in a backslash goes on in the next.
func commandLines(p *page) []string {
	var out []string
	for _, b := range p.blocks {
		if b.lang != "sh" {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				out = append(out, line)
			}
		}
	}
	return out
}

// Every command line of the pages is run against two hosts, page by page in a
// folder of its own. It must go well; with --fail-on the finding of the fake
// scanner must count. What make would do is only looked at.
func TestCommandsRun(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	labtest.LeavesNothing(t, l)
	hosts, err := os.ReadFile(l.Inventory)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, page := range pages(t, false) {
		lines := commandLines(page)
		if len(lines) == 0 {
			continue
		}
		t.Run(strings.ReplaceAll(page.name, "/", "-"), func(t *testing.T) {
			at := newPlace(t, string(hosts))
			for _, line := range lines {
				ran++
				at.try(line)
			}
			if page.name != "README.md" {
				return
			}
			for _, h := range l.Hosts {
				report := filepath.Join(at.dir, "reports", h.Name, "thor.txt")
				if _, err := os.Stat(report); err != nil {
					t.Errorf("README.md says that the reports are in reports/, one folder a host: %v", err)
				}
			}
		})
	}
	if ran < 10 {
		t.Errorf("only %d command lines found", ran)
	}
}

// try runs one command line of a page.
func (p *place) try(line string) {
	p.t.Helper()
	first := strings.Fields(line)[0]
	switch {
	case first == "make":
		p.planned(line)
		return
	case strings.HasSuffix(first, "thorlab"):
		p.stay(line)
		return
	}
	want := 0
	if strings.Contains(line, "--fail-on") {
		want = 10
	}
	if out, code := p.run(line); code != want {
		p.t.Errorf("%s\nended with %d, want %d\n%s", line, code, want, out)
	}
}

// planned checks that make knows what it is asked for.
func (p *place) planned(line string) {
	p.t.Helper()
	args := append([]string{"-n", "-C", root}, strings.Fields(line)[1:]...)
	cmd := exec.Command("make", args...)
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Errorf("%s: %v\n%s", line, err, out)
	}
}

// Every playbook and list of tasks in the pages is run, and goes well.
func TestPlaybooksRun(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1})
	hosts, err := os.ReadFile(l.Inventory)
	if err != nil {
		t.Fatal(err)
	}
	at := newPlace(t, string(hosts))
	ran := 0
	for _, page := range pages(t, false) {
		for _, b := range page.blocks {
			if b.lang != "yaml" || isInventory(t, page, b) {
				continue
			}
			ran++
			// The pages' own examples work in the folder of their sweep.
			if _, err := l.Hosts[0].Run(t.Context(), "mkdir -p /mnt/temp_ram"); err != nil {
				t.Fatal(err)
			}
			at.write("example.yml", string(asPlaybook(b)))
			if out, code := at.run("thordeploy -i hosts.yml example.yml"); code != 0 {
				t.Errorf("%s ended with %d\n%s", page.at(b), code, out)
			}
		}
	}
	if ran < 3 {
		t.Errorf("only %d playbooks found", ran)
	}
}

// The facts that a host tells are those in docs/playbooks.md.
func TestDocumentedFacts(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1})
	hosts, err := os.ReadFile(l.Inventory)
	if err != nil {
		t.Fatal(err)
	}
	at := newPlace(t, string(hosts))
	at.write("facts.yml", "- hosts: all\n  tasks: [{name: facts, debug: {var: ansible_facts}}]\n")
	out, code := at.run("thordeploy -i hosts.yml --json facts.yml")
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	told := factsOf(t, out)
	var documented []string
	for _, row := range readPage(t, filepath.Join(root, "docs/playbooks.md")).table(t, "## Facts") {
		for _, name := range codes(row[0]) {
			documented = append(documented, strings.TrimPrefix(name, "ansible_"))
		}
	}
	for name := range told {
		if !slices.Contains(documented, name) {
			t.Errorf("docs/playbooks.md lacks the fact ansible_%s", name)
		}
	}
	for _, name := range documented {
		// What a host has no value for it doesn't tell.
		if _, ok := told[name]; !ok && name != "user_gecos" && name != "machine_id" && name != "distribution_release" {
			t.Errorf("docs/playbooks.md has the fact ansible_%s, which a host doesn't tell", name)
		}
	}
}

// factsOf finds the facts in a run's JSON lines.
func factsOf(t *testing.T, lines string) map[string]any {
	t.Helper()
	for line := range strings.Lines(lines) {
		var e struct{ Type, Name, Msg string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if e.Type != "task_finished" || e.Name != "facts" {
			continue
		}
		var facts map[string]any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(e.Msg, "ansible_facts: ")), &facts); err != nil {
			t.Fatalf("%v: %s", err, e.Msg)
		}
		return facts
	}
	t.Fatalf("no facts in\n%s", lines)
	return nil
}
