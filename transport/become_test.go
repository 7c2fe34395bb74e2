package transport

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	const inner = `/bin/sh -c 'printf %s "$1"; printf %s "$1" >&2; exec /bin/sh -c "$2"' sh READY `
	inside := strings.ReplaceAll(inner, "'", `'\''`) // quoted once more
	asking := Become{User: "root", Password: "geheim"}
	for name, c := range map[string]struct{ got, want string }{
		"nobody":        {Become{}.Wrap("echo 'a'", "PROMPT", "READY"), "echo 'a'"},
		"sudo":          {Become{User: "root"}.Wrap("echo 'a b'", "PROMPT", "READY"), `sudo -H -n -u root -- ` + inner + `'echo '\''a b'\'''`},
		"an option":     {Become{User: "-s; x"}.Wrap("id", "PROMPT", "READY"), `sudo -H -n -u '-s; x' -- ` + inner + `id`},
		"sudo, asking":  {asking.Wrap("id -u", "PROMPT", "READY"), `sudo -H -S -p PROMPT -u root -- ` + inner + `'id -u'`},
		"at a terminal": {Quote(asking.words("id", "PROMPT", "READY", true)...), `sudo -H -p PROMPT -u root -- ` + inner + `id`},
		"flags": {
			Become{User: "root", Password: "geheim", Exe: "/opt/sudo", Flags: " -E -n  -i"}.Wrap("id", "PROMPT", "READY"),
			`/opt/sudo -E -i -S -p PROMPT -u root -- ` + inner + `id`,
		},
		"doas":         {Become{User: "db", Method: "doas"}.Wrap("id", "PROMPT", "READY"), `doas -n -u db -- ` + inner + `id`},
		"doas, asking": {Become{User: "db", Method: "doas", Password: "geheim"}.Wrap("id", "PROMPT", "READY"), `doas -u db -- ` + inner + `id`},
		"su": {
			Become{User: "db", Method: "su", Password: "geheim", Flags: "-m"}.Wrap("id", "PROMPT", "READY"),
			`/bin/sh -c 'export THORDEPLOY_LC="$LC_ALL" LC_ALL=C; exec "$@"' sh su -m -s /bin/sh -c 'LC_ALL=$THORDEPLOY_LC; [ -n "$LC_ALL" ] || unset LC_ALL; unset THORDEPLOY_LC; exec ` + inside + `id' db`,
		},
	} {
		if c.got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, c.got, c.want)
		}
	}
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Password: ": true, "lecture\nPassword:": true, "Password for root@EXAMPLE.ORG: ": true, "doas (ops@web1) password: ": true,
		"One-time password (OATH) for `root': ": true, "": false, "Password: \n": false, "the password was: set\n$ ": false, "passwords: ": false, "Last login: ": false,
	} {
		for _, method := range []string{"su", "doas"} {
			if _, _, got := (Become{User: "root", Method: method}).promptIn([]byte(text), "PROMPT"); got != want {
				t.Errorf("%s, %q: %v", method, text, got)
			}
		}
		if _, _, got := (Become{User: "root"}).promptIn([]byte(text), "PROMPT"); got {
			t.Errorf("sudo has a prompt of its own, and %q isn't it", text)
		}
	}
}

func TestBecomeCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		b    Become
		want string
	}{
		{Become{}, ""},
		{Become{Method: "su"}, ""}, // nobody to become
		{Become{User: "root"}, ""},
		{Become{User: "root", Method: "sudo", Password: "p"}, ""},
		{Become{User: "root", Method: "su"}, ""},
		{Become{User: "root", Method: "doas"}, ""},
		{Become{User: "-c", Method: "su"}, "take it for an option"},
		{Become{User: "root", Flags: "a\x00"}, "NUL"},
		{Become{User: "root", Method: "sud"}, `unknown become method "sud"`},
		{Become{User: "root", Password: "a\nb"}, "newline"},
	} {
		err := c.b.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.b, err, c.want)
		}
		if err != nil && c.b.Password != "" && strings.Contains(err.Error(), c.b.Password) {
			t.Errorf("the error holds the password: %v", err)
		}
	}
}

func TestFromTheSameAccountIsNothing(t *testing.T) {
	t.Parallel()
	b := Become{User: "root", Password: "x"}
	if !b.From("root").IsZero() || b.From("admin") != b || b.From("") != b {
		t.Error("From must drop the account that connected and keep every other")
	}
}

// scripted is a Conn whose commands run here, through a shell whose PATH leads
// to a sudo of the test's making.
type scripted struct {
	path  string
	lines []string
}

func (s *scripted) Start(ctx context.Context, line string) (Process, error) {
	s.lines = append(s.lines, line)
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.Env = []string{"PATH=" + s.path + ":/usr/bin:/bin"}
	cmd.WaitDelay = time.Second
	p := &scriptedProcess{cmd: cmd}
	p.stdin, _ = cmd.StdinPipe()
	p.stdout, _ = cmd.StdoutPipe()
	p.stderr, _ = cmd.StderrPipe()
	return p, cmd.Start()
}
func (s *scripted) Files(context.Context) (Files, error) { return nil, errors.New("not used") }
func (s *scripted) Close() error                         { return nil }

type scriptedProcess struct {
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr io.Reader
}

func (p *scriptedProcess) Stdin() io.WriteCloser { return p.stdin }
func (p *scriptedProcess) Stdout() io.Reader     { return p.stdout }
func (p *scriptedProcess) Stderr() io.Reader     { return p.stderr }
func (p *scriptedProcess) Close() error          { return p.cmd.Process.Kill() }
func (p *scriptedProcess) Wait() (Exit, error) {
	p.cmd.Wait()
	return Exit{Code: p.cmd.ProcessState.ExitCode()}, nil
}

// fakeSudo keeps sudo's manners (sudo(8)): lecture, prompt and refusal on
// standard error, the password as one line on standard input.
const fakeSudo = `#!/bin/sh
echo "We trust you have received the usual lecture" >&2
ask=
while [ $# -gt 0 ]; do
	case $1 in
	-n) noask=1; shift ;;
	-H) shift ;;
	-S) ask=1; shift ;;
	-p) prompt=$2; shift 2 ;;
	-u) shift 2 ;;
	--) shift; break ;;
	esac
done
case $MODE in
cached) ask= ;;
denied) echo "user is not in the sudoers file." >&2; exit 1 ;;
silent) exec sleep 5 ;;
chatty) yes lecture >&2 ;;
esac
if [ -n "$noask" ] && [ "$MODE" = asks ]; then echo "sudo: a password is required" >&2; exit 1; fi
tries=0
while [ -n "$ask" ]; do
	printf %s "$prompt" >&2
	IFS= read -r password || exit 1
	[ "$password" = "ge heim'" ] && break
	echo "Sorry, try again." >&2
	tries=$((tries + 1))
	[ $tries -lt 3 ] || { echo "sudo: 3 incorrect password attempts" >&2; exit 1; }
done
exec "$@"
`

func withSudo(t *testing.T, mode string) *scripted {
	t.Helper()
	dir := t.TempDir()
	script := strings.Replace(fakeSudo, "ask=\n", "ask=\nMODE="+mode+"\n", 1)
	if err := os.WriteFile(filepath.Join(dir, "sudo"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return &scripted{path: dir}
}

func TestBecomeRunsTheCommandWithItsOwnStreams(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ mode, password string }{
		"asked for a password":    {"asks", "ge heim'"},
		"a password not asked":    {"cached", "ge heim'"},
		"no password, none asked": {"cached", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := withSudo(t, c.mode)
			conn := WithBecome(host, Become{User: "root", Password: c.password})
			p, err := conn.Start(t.Context(), `cat; echo "it's" >&2; exit 7`)
			if err != nil {
				t.Fatal(err)
			}
			go func() { io.WriteString(p.Stdin(), "in\n"); p.Stdin().Close() }()
			out, _ := io.ReadAll(p.Stdout())
			errs, _ := io.ReadAll(p.Stderr())
			if exit, err := p.Wait(); exit.Code != 7 || err != nil {
				t.Errorf("exit %+v, %v", exit, err)
			}
			if string(out) != "in\n" {
				t.Errorf("stdout %q: the command's input is the caller's alone", out)
			}
			if string(errs) != "it's\n" {
				t.Errorf("stderr %q, want the command's own alone", errs)
			}
			for _, line := range host.lines {
				if strings.Contains(line, "heim") {
					t.Errorf("the password is on the command line: %s", line)
				}
			}
		})
	}
}

func TestBecomeRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ mode, password, want, hint string }{
		"wrong password":  {"asks", "falsch", "did not take the password", "Sorry, try again."},
		"not in sudoers":  {"denied", "ge heim'", "exit status 1", "user is not in the sudoers file."},
		"no password":     {"asks", "", "exit status 1", "-K, ansible_become_password"},
		"endless preface": {"chatty", "ge heim'", "bytes came before", "become"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := WithBecome(withSudo(t, c.mode), Become{User: "root", Password: c.password})
			begin := time.Now()
			_, err := conn.Start(t.Context(), "id")
			var te *Error
			if !errors.As(err, &te) || te.Phase != PhaseAuth || !errors.Is(err, ErrBecome) {
				t.Fatalf("got %v, want an *Error of phase %q with %v inside", err, PhaseAuth, ErrBecome)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(te.Hint, c.hint) {
				t.Errorf("error %q, hint %q; want %q and %q in them", err, te.Hint, c.want, c.hint)
			}
			if text := err.Error() + te.Hint; c.password != "" && strings.Contains(text, c.password) {
				t.Errorf("the password is in %q", text)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestBecomeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := WithBecome(withSudo(t, "silent"), Become{User: "root", Password: "x"}).Start(ctx, "id")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v inside", err, context.DeadlineExceeded)
	}
}

// mute is a sudo that says nothing for ever.
type mute struct {
	Process
	closed chan struct{}
}

func (m mute) Start(context.Context, string) (Process, error) { return m, nil }
func (m mute) Files(context.Context) (Files, error)           { return nil, nil }
func (m mute) Stdin() io.WriteCloser                          { return nil }
func (m mute) Stdout() io.Reader                              { return m }
func (m mute) Stderr() io.Reader                              { return m }
func (m mute) Read([]byte) (int, error)                       { <-m.closed; return 0, io.EOF }
func (m mute) Close() error                                   { close(m.closed); return nil }

func TestBecomeDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := mute{closed: make(chan struct{})}
		_, err := WithBecome(m, Become{User: "root", Password: "x"}).Start(t.Context(), "id")
		if !errors.Is(err, ErrBecome) || !strings.Contains(err.Error(), "within 30s") {
			t.Errorf("got %v", err)
		}
		<-m.closed
	})
}

func TestBecomeOfAnUnknownMethodIsRefusedBeforeTheHost(t *testing.T) {
	t.Parallel()
	host := withSudo(t, "cached")
	conn := WithBecome(host, Become{User: "root", Method: "pbrun"})
	if _, err := conn.Start(t.Context(), "id"); err == nil || !strings.Contains(err.Error(), `unknown become method "pbrun"`) {
		t.Errorf("got %v", err)
	}
	if len(host.lines) > 0 {
		t.Errorf("sent %q", host.lines)
	}
	if _, err := conn.Files(t.Context()); err == nil || !strings.Contains(err.Error(), "not as root") {
		t.Errorf("Files as another account: %v", err)
	}
}

func TestDoasWithAPasswordWantsATerminal(t *testing.T) {
	t.Parallel()
	host := withSudo(t, "cached")
	_, err := WithBecome(host, Become{User: "root", Method: "doas", Password: "ge heim'"}).Start(t.Context(), "id")
	if !errors.Is(err, ErrBecome) || !strings.Contains(err.Error(), "from a terminal, and this connection has none") || len(host.lines) > 0 {
		t.Errorf("%v; sent %q", err, host.lines)
	}
}

func TestWithBecomeOfNobodyIsTheConnection(t *testing.T) {
	t.Parallel()
	host := &scripted{}
	if WithBecome(host, Become{}) != Conn(host) {
		t.Error("nobody to become, and still wrapped")
	}
}
