package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"thordeploy/internal/lab/labtest"
)

// asCommand makes the test binary the command itself.
const asCommand = "THORLAB_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	// A host of the lab is this binary too, and main sees to that; it has no
	// environment.
	if os.Getenv(asCommand) != "" || strings.HasPrefix(os.Args[0], "thorlab-") {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func thorlab(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// upTo reads lines until one begins with prefix, and gives all of them.
func upTo(r *bufio.Reader, prefix string) (string, error) {
	var all strings.Builder
	for {
		line, err := r.ReadString('\n')
		all.WriteString(line)
		if err != nil || strings.HasPrefix(line, prefix) {
			return all.String(), err
		}
	}
}

func TestStaysUntilInterrupted(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]os.Signal{"interrupt": os.Interrupt, "terminate": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "lab")
			cmd := thorlab(t.Context(), "-n", "3", "-d", dir)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			out := bufio.NewReader(stdout)
			said, err := upTo(out, "Interrupt")
			if err != nil {
				_ = cmd.Wait()
				labtest.Lacking(t, errors.New(stderr.String()))
			}
			for _, want := range []string{"3 up", "host01 to host03", "thordeploy -i " + filepath.Join(dir, "hosts.yml") + " builtin:thor.yml"} {
				if !strings.Contains(said, want) {
					t.Errorf("it doesn't say %q:\n%s", want, said)
				}
			}
			tryLine(t, said)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, out); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("it ends with %v, want exit code 0\n%s", err, stderr.String())
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("the folder is still there (%v)", err)
			}
		})
	}
}

// tryLine runs the ssh line that the command printed.
func tryLine(t *testing.T, said string) {
	t.Helper()
	for line := range strings.Lines(said) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == "ssh" {
			out, err := exec.CommandContext(t.Context(), "ssh", append(words[1:], "-o", "BatchMode=yes", "hostname")...).CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != "host01" {
				t.Errorf("%s: %v\n%s", strings.TrimSpace(line), err, out)
			}
			return
		}
	}
	t.Errorf("it prints no ssh line to try:\n%s", said)
}

func TestBadUse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"-n 0", "error: -n 0: a lab has 1 to 250 hosts\n"},
		{"-n many", "error: invalid argument \"many\""},
		{"--backend telnet", "error: starting a lab: unknown backend \"telnet\": there are sshd and embedded\n"},
		{"--shell fish", "error: starting a lab: unknown shell \"fish\": there are dash, bash and busybox\n"},
		{"host01", "error: unknown command \"host01\""},
	} {
		out, err := thorlab(t.Context(), strings.Fields(c.args)...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.HasPrefix(string(out), c.want) {
			t.Errorf("thorlab %s ends with %v and says %q, want exit code 1 and %q", c.args, err, out, c.want)
		}
	}
}
