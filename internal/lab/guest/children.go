package guest

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// children starts processes and collects them. Process 1 is also handed every
// orphan of its host, so one place waits for all; os/exec would lose its
// children's exit statuses to it.
type children struct {
	mu      sync.Mutex
	waiting map[int]chan syscall.WaitStatus
}

func newChildren() *children {
	c := &children{waiting: map[int]chan syscall.WaitStatus{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			c.collect()
		}
	}()
	return c
}

func (c *children) collect() {
	for {
		c.mu.Lock()
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			c.mu.Unlock()
			continue
		}
		if err != nil || pid <= 0 {
			c.mu.Unlock()
			return
		}
		if done, ok := c.waiting[pid]; ok {
			done <- status
			delete(c.waiting, pid)
		}
		c.mu.Unlock()
	}
}

// start runs a process as the leader of its own session, its streams the given
// files. The channel gives its status once.
func (c *children) start(path string, args, env []string, stdin, output *os.File) (int, <-chan syscall.WaitStatus, error) {
	done := make(chan syscall.WaitStatus, 1)
	// Held over the fork, so that a process that ends at once isn't collected
	// before it is known.
	c.mu.Lock()
	defer c.mu.Unlock()
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{
		Dir:   "/",
		Env:   env,
		Files: []uintptr{stdin.Fd(), output.Fd(), output.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, nil, fmt.Errorf("starting %s: %w", path, err)
	}
	c.waiting[pid] = done
	return pid, done, nil
}

// outputLimit is how much of a script's output is given back, in bytes.
const outputLimit = 64 << 20

// run runs a process to its end and gives its output, standard output and
// error together. What it leaves running in the background isn't waited for.
// stop, when closed, ends the process's group.
func (c *children) run(stop <-chan struct{}, path string, args, env []string, input []byte) ([]byte, syscall.WaitStatus, error) {
	stdin, err := memoryFile("input", input)
	if err != nil {
		return nil, 0, err
	}
	defer stdin.Close()
	output, err := memoryFile("output", nil)
	if err != nil {
		return nil, 0, err
	}
	defer output.Close()
	pid, done, err := c.start(path, args, env, stdin, output)
	if err != nil {
		return nil, 0, err
	}
	var status syscall.WaitStatus
	select {
	case status = <-done:
	case <-stop:
		// Its own group: start made it a session leader. It may have just
		// ended, which is as good.
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		status = <-done
	}
	out, err := io.ReadAll(io.NewSectionReader(output, 0, outputLimit))
	if err != nil {
		return nil, status, fmt.Errorf("reading the output of %s: %w", path, err)
	}
	return out, status, nil
}

// memoryFile is a file that is on no disk and in no folder, holding content
// and rewound: a pipe would keep run waiting for background processes.
func memoryFile(name string, content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.WriteAt(content, 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("filling a file in memory: %w", err)
	}
	return f, nil
}
