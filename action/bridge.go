package action

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"thordeploy/transport"
)

// A program of this machine that wants a remote shell (rsync -e) is given this
// program, started anew with BridgeCommand. It connects to a socket in a
// private folder, says which command it was asked for, and hands bytes on; the
// task at the other end of the socket runs the command on the host's own
// connection, as the task's account. How it ended is asked with a second
// connection to the socket, once the first is over.

// BridgeCommand is the first argument that makes the program a bridge.
const BridgeCommand = "remote-shell-bridge"

// Bridge is the program as a bridge: args are the socket, a host's name that
// doesn't matter, and the command. It returns the command's exit code.
func Bridge(args []string, stdin io.Reader, stdout io.Writer) int {
	const usage = 2
	if len(args) < 3 {
		return usage
	}
	conn, err := net.Dial("unix", args[0])
	if err != nil {
		return usage
	}
	defer conn.Close() //nolint:errcheck // it ends with the program
	head, err := json.Marshal(args[2:])
	if err != nil {
		return usage
	}
	if _, err := conn.Write(append(head, '\n')); err != nil {
		return usage
	}
	go func() {
		_, _ = io.Copy(conn, stdin) // its end is told; what is lost shows at the other end
		if c, ok := conn.(*net.UnixConn); ok {
			_ = c.CloseWrite()
		}
	}()
	if _, err := io.Copy(stdout, conn); err != nil {
		return 1
	}
	after, err := net.Dial("unix", args[0])
	if err != nil {
		return 1
	}
	defer after.Close() //nolint:errcheck // it ends with the program
	code := 1
	_, _ = fmt.Fscan(after, &code) // where the task is gone it stays 1
	return code
}

// bridge is the task's end.
type bridge struct {
	call   *Call
	dir    string
	self   string
	listen net.Listener
	mu     sync.Mutex
	done   chan struct{}
	stderr limitedTail
	code   int
	lost   error
}

func newBridge(c *Call) (*bridge, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("this program can't be found: %w", err)
	}
	dir, err := os.MkdirTemp("", "thordeploy-") // for this account alone
	if err != nil {
		return nil, err
	}
	listen, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return &bridge{call: c, dir: dir, self: self, listen: listen, done: make(chan struct{})}, nil
}

// command is the remote shell for rsync's -e, which splits it at blanks.
func (b *bridge) command() string {
	words := []string{b.self, BridgeCommand, filepath.Join(b.dir, "s")}
	for i, w := range words {
		if strings.ContainsAny(w, " \t'\"") {
			words[i] = `"` + strings.ReplaceAll(w, `"`, `""`) + `"`
		}
	}
	return strings.Join(words, " ")
}

func (b *bridge) close() {
	_ = b.listen.Close()
	_ = os.RemoveAll(b.dir) // in the temporary folder, a leftover harms nobody
}

// serve takes the one command that there will be.
func (b *bridge) serve(ctx context.Context) {
	defer close(b.done)
	conn, err := b.listen.Accept()
	if err != nil {
		return // rsync needed none
	}
	defer conn.Close() //nolint:errcheck // it has ended
	in := bufio.NewReaderSize(conn, 64<<10)
	line, err := in.ReadBytes('\n')
	var words []string
	if err != nil || json.Unmarshal(line, &words) != nil || len(words) == 0 {
		return
	}
	code, err := b.run(ctx, strings.Join(words, " "), in, conn)
	b.mu.Lock()
	b.code, b.lost = code, err
	b.mu.Unlock()
	_ = conn.Close()
	if after, err := b.listen.Accept(); err == nil {
		_, _ = fmt.Fprintln(after, code)
		_ = after.Close()
	}
}

// run runs rsync's own command line, as ssh would, on the host.
func (b *bridge) run(ctx context.Context, line string, in io.Reader, out io.Writer) (int, error) {
	p, err := b.call.Shell.Stream(ctx, line)
	if err != nil {
		return 0, err
	}
	defer p.Close() //nolint:errcheck // it has ended, or is to end
	go func() {
		_, _ = io.Copy(p.Stdin(), in) // the exit status tells of what is lost
		_ = p.Stdin().Close()
	}()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(&b.stderr, p.Stderr()) })
	both.Go(func() {
		if _, err := io.Copy(out, p.Stdout()); err != nil {
			_ = p.Close() // nobody reads on
		}
	})
	both.Wait()
	exit, err := p.Wait()
	var te *transport.Error
	if err != nil && !errors.As(err, &te) {
		err = nil // ended by the task itself
	}
	return exit.Code, err
}

// told waits for the host's end and gives what it said, how it ended, and why
// the way there was lost, if it was.
func (b *bridge) told() (stderr string, code int, lost error) {
	_ = b.listen.Close() // where nobody connected there is nothing to wait for
	<-b.done
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(text8(b.stderr.String())), b.code, b.lost
}
