package local

import (
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"thordeploy/transport"
	"thordeploy/transport/internal/readahead"
)

// process is one command. Its far ends of the pipes belong to the command, the
// near ends to the pumps and to end.
type process struct {
	cmd            *exec.Cmd
	stdin          *os.File
	pipes          [2]*os.File // near ends of stdout and stderr
	stdout, stderr *readahead.Buffer
	onEnd          func()

	once  sync.Once
	done  chan struct{} // closed by finish
	exit  transport.Exit
	cause error // why the exit isn't known
}

// start begins cmd with three pipes.
func start(cmd *exec.Cmd) (*process, error) {
	var far, near []*os.File
	closeAll := func(fs []*os.File) {
		for _, f := range fs {
			f.Close()
		}
	}
	for i := range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(far, near...))
			return nil, err
		}
		if i == 0 {
			far, near = append(far, r), append(near, w)
		} else {
			far, near = append(far, w), append(near, r)
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = far[0], far[1], far[2]
	err := cmd.Start()
	closeAll(far)
	if err != nil {
		closeAll(near)
		return nil, err
	}
	return &process{
		cmd: cmd, stdin: near[0], pipes: [2]*os.File{near[1], near[2]},
		stdout: readahead.New(), stderr: readahead.New(), done: make(chan struct{}),
	}, nil
}

// begin lets the streams flow and watches for the end of the command and ctx.
func (p *process) begin(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { p.end(context.Cause(ctx)) })
	var pumps sync.WaitGroup
	for i, b := range []*readahead.Buffer{p.stdout, p.stderr} {
		pumps.Go(func() { b.Fill(p.pipes[i]) })
	}
	go func() {
		// The child is reaped also where its channel was ended before.
		_ = p.cmd.Wait() // ProcessState says it
		pumps.Wait()
		stop()
		p.finish(exitOf(p.cmd.ProcessState), nil)
	}()
}

// finish settles how the command ended, once.
func (p *process) finish(exit transport.Exit, cause error) {
	p.once.Do(func() {
		p.exit, p.cause = exit, cause
		p.stdin.Close()
		for _, f := range p.pipes {
			f.Close() // unblocks its pump
		}
		p.stdout.End()
		p.stderr.End()
		p.onEnd()
		close(p.done)
	})
}

// end is the end of the channel: the command sees end of file and broken
// pipes, and is reaped whenever it goes.
func (p *process) end(cause error) { p.finish(transport.Exit{}, cause) }

func (p *process) Stdin() io.WriteCloser { return stdin{p} }
func (p *process) Stdout() io.Reader     { return p.stdout }
func (p *process) Stderr() io.Reader     { return p.stderr }

func (p *process) Wait() (transport.Exit, error) {
	<-p.done
	if p.cause != nil {
		return transport.Exit{}, failed(transport.PhaseLost, p.cause, "")
	}
	return p.exit, nil
}

func (p *process) Close() error {
	p.end(transport.ErrClosed)
	return nil
}

// stdin may be closed any number of times, also after the command's end.
type stdin struct{ p *process }

func (s stdin) Write(b []byte) (int, error) { return s.p.stdin.Write(b) }

func (s stdin) Close() error {
	s.p.stdin.Close()
	return nil
}

func exitOf(state *os.ProcessState) transport.Exit {
	ws := state.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		name := unix.SignalName(ws.Signal())
		if len(name) > 3 {
			name = name[3:] // SIGTERM -> TERM
		}
		return transport.Exit{Code: 128 + int(ws.Signal()), Signal: name}
	}
	return transport.Exit{Code: ws.ExitStatus()}
}
