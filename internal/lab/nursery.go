package lab

import (
	"os"
	"runtime"
)

// nursery starts processes on one thread that lives as long as the lab. The
// kernel ends a child that asked for it (Pdeathsig) when the thread that
// started it ends, not the process, and Go ends threads as it likes.
type nursery struct {
	births chan birth
}

type birth struct {
	path string
	args []string
	attr *os.ProcAttr
	born chan<- born
}

type born struct {
	process *os.Process
	err     error
}

func newNursery() *nursery {
	n := &nursery{births: make(chan birth)}
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		for b := range n.births {
			p, err := os.StartProcess(b.path, b.args, b.attr)
			b.born <- born{p, err}
		}
	}()
	return n
}

// start starts a process, as [os.StartProcess] does.
func (n *nursery) start(path string, args []string, attr *os.ProcAttr) (*os.Process, error) {
	result := make(chan born, 1)
	n.births <- birth{path, args, attr, result}
	b := <-result
	return b.process, b.err
}

// close ends the thread, and with it what is still alive of its children.
func (n *nursery) close() { close(n.births) }
