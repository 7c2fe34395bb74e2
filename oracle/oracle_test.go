package oracle

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

var (
	oracle  = flag.Bool("oracle", false, "run the cases through ansible-playbook and thordeploy")
	show    = flag.Bool("show", false, "print what both programs printed")
	folder  = flag.String("cases", "cases", "`folder` of the cases")
	cache   = flag.String("cache", "", "`folder` to keep what ansible-playbook did in, so that a case that didn't change isn't run by it again")
	ansible = flag.Bool("ansible-only", false, "run the cases through ansible-playbook alone and print what it left, for who writes one")
)

func TestMain(m *testing.M) {
	lab.Main()
	os.Exit(m.Run())
}

const (
	workers  = 2 // as many as CI's machines have processors
	hosts    = 3 // of each worker's lab
	runLimit = 2 * time.Minute
)

// worker runs one case at a time on a lab of its own.
type worker struct {
	lab      *lab.Lab
	bin      string // folder of the program under both its names
	dir      string // private folder: the case's copy, Ansible's own files
	callback string // folder of the callback plugin
	www      *httptest.Server

	theirs, ours time.Duration // spent in each program
}

func TestCases(t *testing.T) {
	if !*oracle && !*ansible {
		t.Skip("make test-oracle runs the cases: they want Ansible, and minutes")
	}
	if _, err := exec.LookPath("ansible-playbook"); err != nil {
		labtest.Lacking(t, fmt.Errorf("%w (apt-get install ansible)", err))
	}
	cases, err := LoadAll(*folder)
	if err != nil {
		t.Fatal(err)
	}
	bin := build(t)
	free := make(chan *worker, workers)
	var all []*worker
	for range workers {
		w := newWorker(t, bin)
		all = append(all, w)
		free <- w
	}
	start := time.Now()
	t.Cleanup(func() {
		for _, w := range all {
			t.Logf("in %s: ansible-playbook %s, thordeploy %s", time.Since(start).Round(time.Second),
				w.theirs.Round(time.Second), w.ours.Round(10*time.Millisecond))
		}
	})
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			w := <-free
			defer func() { free <- w }()
			w.compare(t, c)
		})
	}
}

// build makes the program, and links it under its other name.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "thordeploy/cmd/thordeploy")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building thordeploy: %v\n%s", err, out)
	}
	if err := os.Symlink("thordeploy", filepath.Join(dir, "ansible-playbook")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newWorker(t *testing.T, bin string) *worker {
	t.Helper()
	callback, err := filepath.Abs("testdata/callback")
	if err != nil {
		t.Fatal(err)
	}
	// Short, as the names of ssh's control sockets are bounded.
	dir, err := os.MkdirTemp("", "oracle-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return &worker{
		lab: labtest.Start(t, lab.Options{N: hosts, Backend: lab.Sshd, Accounts: []lab.Account{
			{Name: "alice", Sudo: lab.SudoFree},
			{Name: "bob", Password: "letmein", Sudo: lab.SudoPassword},
		}}),
		bin: bin, dir: dir, callback: callback,
	}
}

// compare runs a case through both programs.
func (w *worker) compare(t *testing.T, c *Case) {
	w.www = httptest.NewServer(http.FileServer(http.Dir(filepath.Join(c.Dir, "www"))))
	defer w.www.Close()
	theirs, said := cached(t, c, func() (outcome, string) { return w.run(t, c, w.ansiblePlaybook) })
	if *ansible {
		for _, d := range differences(c, outcome{}, theirs) {
			t.Log(strings.Replace(d, "only with thordeploy: ", "", 1))
		}
		t.Logf("ansible-playbook:\n%s", said)
		return
	}
	ours, saidHere := w.run(t, c, w.thordeploy)
	list := differences(c, theirs, ours)
	for _, d := range list {
		t.Error(d)
	}
	if *show || len(list) > 0 {
		t.Logf("ansible-playbook:\n%s\nthordeploy:\n%s", said, saidHere)
	}
}

// program runs one command line and adds what it said to the outcome; it
// returns what was printed.
type program func(ctx context.Context, c *Case, run string, args []string, o outcome) (string, error)

// run takes a case through one program.
func (w *worker) run(t *testing.T, c *Case, p program) (outcome, string) {
	t.Helper()
	ctx := t.Context()
	work := filepath.Join(w.dir, c.Name)
	if err := os.CopyFS(work, os.DirFS(c.Dir)); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(work)
	for _, h := range w.lab.Hosts {
		if _, err := h.Run(ctx, resetScript+c.Before); err != nil {
			t.Fatalf("putting the host back: %v", err)
		}
	}
	o := outcome{}
	var said strings.Builder
	for i, args := range c.Runs {
		name := ""
		if len(c.Runs) > 1 {
			name = fmt.Sprintf("run %d %s ", i+1, strings.Join(args, " "))
		}
		printed, err := p(ctx, c, name, w.arguments(work, args), o)
		if err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
		fmt.Fprintf(&said, "%s%s\n", name, printed[max(0, len(printed)-8000):])
	}
	for _, h := range w.lab.Hosts {
		if err := o.left(ctx, h); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.here(work); err != nil {
		t.Fatal(err)
	}
	return o, said.String()
}

// arguments are a run's, with the inventories and the variables that all cases
// have. They come as the lowest: the lab's is the first inventory.
func (w *worker) arguments(work string, run []string) []string {
	all := []string{"-i", w.lab.Inventory, "-i", w.variables()}
	for _, name := range []string{"inventory", "hosts.yml", "hosts.ini"} {
		if _, err := os.Stat(filepath.Join(work, name)); err == nil {
			all = append(all, "-i", name)
		}
	}
	return append(all, args(run)...)
}

// variables writes the inventory with what every case may use.
func (w *worker) variables() string {
	name := filepath.Join(w.dir, "variables.yml")
	text := fmt.Sprintf("all: {vars: {box: %s, www: %s}}\n", box, w.www.URL)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		panic(err)
	}
	return name
}

// ansiblePlaybook runs the judge.
func (w *worker) ansiblePlaybook(ctx context.Context, c *Case, run string, args []string, o outcome) (string, error) {
	events := filepath.Join(w.dir, "events.jsonl")
	if err := os.WriteFile(events, nil, 0o600); err != nil {
		return "", err
	}
	env := append(w.environment(c),
		"ORACLE_EVENTS="+events,
		"ANSIBLE_CALLBACK_PLUGINS="+w.callback, "ANSIBLE_CALLBACKS_ENABLED=oracle",
		"ANSIBLE_PIPELINING=1", "ANSIBLE_SSH_ARGS=-F none -o ControlMaster=auto -o ControlPersist=60s -o KexAlgorithms=curve25519-sha256",
		"ANSIBLE_SSH_CONTROL_PATH_DIR="+filepath.Join(w.dir, "cp"),
		"ANSIBLE_GATHERING=explicit", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3",
		"ANSIBLE_LOCALHOST_WARNING=0", "ANSIBLE_NOCOWS=1", "PYTHONDONTWRITEBYTECODE=1",
	)
	start := time.Now()
	out, _, code, err := execute(ctx, "ansible-playbook", args, filepath.Join(w.dir, c.Name), c.Stdin, env)
	w.theirs += time.Since(start)
	if err != nil {
		return out, err
	}
	data, err := os.ReadFile(events)
	if err != nil {
		return out, err
	}
	results, recap, err := theirEvents(data)
	if err != nil {
		return out, err
	}
	if c.Output {
		o[run+"output"] = strings.ReplaceAll(out, w.dir, "/oracle") // a random name
		o[run+"exit"] = fmt.Sprint(code)
		return out, nil
	}
	o.said(run, c, results, recap, exitCode(code, recap))
	return out, nil
}

// thordeploy runs the program that is tested.
func (w *worker) thordeploy(ctx context.Context, c *Case, run string, args []string, o outcome) (string, error) {
	name := filepath.Join(w.bin, "thordeploy")
	if c.Output {
		name = filepath.Join(w.bin, "ansible-playbook")
	} else {
		// Ansible's defaults where a play doesn't say.
		args = append([]string{"--json", "--run-dir", "none", "--strategy", "linear"}, args...)
	}
	start := time.Now()
	out, stdout, code, err := execute(ctx, name, args, filepath.Join(w.dir, c.Name), c.Stdin, w.environment(c))
	w.ours += time.Since(start)
	if err != nil {
		return out, err
	}
	if c.Output {
		o[run+"output"] = strings.ReplaceAll(out, w.dir, "/oracle") // a random name
		o[run+"exit"] = fmt.Sprint(code)
		return out, nil
	}
	results, recap, err := ourEvents(stdout)
	if err != nil {
		return out, err
	}
	o.said(run, c, results, recap, code)
	return out, nil
}

// environment is what both programs get: none of the person's own.
func (w *worker) environment(c *Case) []string {
	env := []string{"HOME=" + w.dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "USER=root", "ANSIBLE_FORKS=5"}
	for name, value := range c.Env {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}

// execute runs a program and returns all that it printed, what of it was its
// standard output, and its exit code.
func execute(ctx context.Context, name string, args []string, dir, stdin string, env []string) (all string, stdout []byte, code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader(stdin)
	// ssh's masters, which outlive Ansible, hold its standard error.
	cmd.WaitDelay = time.Second
	var both locked
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, &both), &both
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return both.String(), out.Bytes(), 0, fmt.Errorf("%s did not end within %s", filepath.Base(name), runLimit)
	case errors.As(err, &exit):
		return both.String(), out.Bytes(), exit.ExitCode(), nil
	case errors.Is(err, exec.ErrWaitDelay):
		err = nil
	}
	return both.String(), out.Bytes(), 0, err
}

// locked collects two streams as they come.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string { return l.b.String() }
