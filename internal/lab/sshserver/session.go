package sshserver

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// session is one session channel: one command at most (RFC 4254, 6).
type session struct {
	config         *Config
	account        account
	channel        ssh.Channel
	client, server net.Addr

	env []string
	tty *terminal // nil: none asked for

	mu    sync.Mutex
	pgid  int // of the running command; 0: none
	pipes *streams
}

// serve answers the channel's requests until the client closes it.
func (s *session) serve(requests <-chan *ssh.Request) {
	started := false
	for r := range requests {
		ok, carry := false, func() {}
		switch r.Type {
		case "env":
			ok = s.setenv(r.Payload)
		case "pty-req":
			if tty, parsed := parseTerminal(r.Payload); parsed && !started {
				s.tty, ok = tty, true
			}
		case "window-change":
			ok = s.tty != nil && s.tty.resize(r.Payload)
		case "signal":
			ok = s.signal(r.Payload)
		case "exec", "shell", "subsystem":
			if started {
				break
			}
			if cmd, err := s.command(r.Type, r.Payload); err == nil {
				carry, ok = s.start(cmd)
				started = ok
			}
		}
		if r.WantReply {
			// A reply that can't be sent: the connection is gone, and so the
			// loop ends.
			_ = r.Reply(ok, nil)
		}
		// Not before the reply: a quick command closes the channel.
		carry()
	}
	if !started {
		s.channel.Close()
		return
	}
	// The client closed the channel or is gone: what the command writes from
	// now on must fail, but the command itself isn't ended.
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pipes.close()
}

// setenv takes what sshd takes with Debian's AcceptEnv.
func (s *session) setenv(payload []byte) bool {
	var v struct{ Name, Value string }
	if err := ssh.Unmarshal(payload, &v); err != nil {
		return false
	}
	if v.Name != "LANG" && !strings.HasPrefix(v.Name, "LC_") {
		return false
	}
	s.env = append(s.env, v.Name+"="+v.Value)
	return true
}

// command builds what a request asks for.
func (s *session) command(kind string, payload []byte) (*exec.Cmd, error) {
	var text struct{ Value string }
	if kind != "shell" {
		if err := ssh.Unmarshal(payload, &text); err != nil {
			return nil, fmt.Errorf("reading the request: %w", err)
		}
	}
	cmd := &exec.Cmd{Path: s.account.shell, Dir: s.account.home}
	shellName := s.account.shell[strings.LastIndexByte(s.account.shell, '/')+1:]
	switch {
	case kind == "exec":
		cmd.Args = []string{shellName, "-c", text.Value}
	case kind == "shell":
		cmd.Args = []string{"-" + shellName}
	case text.Value == "sftp":
		cmd.Path, cmd.Args = s.config.SFTP[0], s.config.SFTP[1:]
	default:
		return nil, fmt.Errorf("no subsystem %s", text.Value)
	}
	if _, err := os.Stat(cmd.Dir); err != nil {
		cmd.Dir = "/"
	}
	cmd.Env = s.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.account.uid != os.Getuid() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.account.uid), Gid: uint32(s.account.gid)}
	}
	return cmd, nil
}

func (s *session) environment() []string {
	clientHost, clientPort, _ := net.SplitHostPort(s.client.String())
	serverHost, serverPort, _ := net.SplitHostPort(s.server.String())
	return append([]string{
		"USER=" + s.account.name,
		"LOGNAME=" + s.account.name,
		"HOME=" + s.account.home,
		"SHELL=" + s.account.shell,
		"PATH=" + s.config.Path,
		"SSH_CLIENT=" + strings.Join([]string{clientHost, clientPort, serverPort}, " "),
		"SSH_CONNECTION=" + strings.Join([]string{clientHost, clientPort, serverHost, serverPort}, " "),
	}, s.env...)
}

// streams are the server's ends of a command's pipes, or its terminal: then
// stdin and stdout are the same and stderr is nil.
type streams struct{ stdin, stdout, stderr *os.File }

// close closes what isn't closed yet.
func (p *streams) close() {
	for _, f := range []*os.File{p.stdin, p.stdout, p.stderr} {
		if f != nil {
			f.Close()
		}
	}
}

// start starts the command on pipes of its own. The function that it gives
// begins to carry its streams and to see to its end, and returns at once.
func (s *session) start(cmd *exec.Cmd) (carry func(), ok bool) {
	nothing := func() {}
	pipes, err := s.connect(cmd)
	if err != nil {
		slog.Error("connecting a command", "error", err)
		return nothing, false
	}
	if err := startOn(cmd); err != nil {
		pipes.close()
		slog.Error("starting a command", "path", cmd.Path, "error", err)
		return nothing, false
	}
	s.mu.Lock()
	s.pgid, s.pipes = cmd.Process.Pid, pipes
	s.mu.Unlock()
	return func() {
		go func() {
			// The client's end of file, or its connection's end, is the
			// command's end of input. A write error means that the command
			// reads no more.
			_, _ = io.Copy(pipes.stdin, s.channel)
			if s.tty == nil {
				pipes.stdin.Close()
			}
		}()
		go s.finish(cmd, pipes)
	}, true
}

// connect makes a command's pipes or terminal; its own ends are in cmd.
func (s *session) connect(cmd *exec.Cmd) (*streams, error) {
	if s.tty != nil {
		return s.tty.connect(cmd)
	}
	var ends [6]*os.File
	for i := 0; i < len(ends); i += 2 {
		r, w, err := os.Pipe()
		if err != nil {
			for _, f := range ends[:i] {
				f.Close()
			}
			return nil, fmt.Errorf("making a pipe: %w", err)
		}
		ends[i], ends[i+1] = r, w
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = ends[0], ends[3], ends[5]
	return &streams{stdin: ends[1], stdout: ends[2], stderr: ends[4]}, nil
}

// startOn starts the command and closes its ends of the pipes here.
func startOn(cmd *exec.Cmd) error {
	err := cmd.Start()
	for _, f := range []any{cmd.Stdin, cmd.Stdout, cmd.Stderr} {
		f.(*os.File).Close()
	}
	return err
}

// finish carries the command's output, sends its exit status as soon as it
// ends, and closes the channel once the output has ended too, which may be
// later: a background process keeps it open, as with sshd. Where the client is
// gone the pipes close and the command is left to itself.
func (s *session) finish(cmd *exec.Cmd, pipes *streams) {
	var output sync.WaitGroup
	carry := func(to io.Writer, from *os.File) {
		output.Go(func() {
			// An error is the client's going; the command then gets EPIPE.
			_, _ = io.Copy(to, from)
			from.Close()
		})
	}
	carry(s.channel, pipes.stdout)
	if pipes.stderr != nil {
		carry(s.channel.Stderr(), pipes.stderr)
	}
	err := cmd.Wait()
	s.mu.Lock()
	s.pgid = 0
	s.mu.Unlock()
	s.sendExit(err)
	output.Wait()
	_ = s.channel.CloseWrite()
	s.channel.Close()
}

// sendExit sends how the command ended (RFC 4254, 6.10). It fails only where
// the client is gone.
func (s *session) sendExit(err error) {
	var status syscall.WaitStatus
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.Sys().(syscall.WaitStatus)
	}
	if status.Signaled() {
		_, _ = s.channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal  string
			Core    bool
			Message string
			Lang    string
		}{signalName(status.Signal()), status.CoreDump(), "", ""}))
		return
	}
	_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status.ExitStatus())}))
}

// signals are those that SSH has names for (RFC 4254, 6.10).
var signals = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE,
	"HUP": syscall.SIGHUP, "ILL": syscall.SIGILL, "INT": syscall.SIGINT,
	"KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE, "QUIT": syscall.SIGQUIT,
	"SEGV": syscall.SIGSEGV, "TERM": syscall.SIGTERM,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

func signalName(sig syscall.Signal) string {
	for name, s := range signals {
		if s == sig {
			return name
		}
	}
	return fmt.Sprintf("SIG%d@thorlab", int(sig))
}

// signal sends a signal to the command's process group.
func (s *session) signal(payload []byte) bool {
	var name struct{ Value string }
	if err := ssh.Unmarshal(payload, &name); err != nil {
		return false
	}
	sig, ok := signals[name.Value]
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok && s.pgid != 0 && syscall.Kill(-s.pgid, sig) == nil
}
