package transport

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A command that needs a controlling terminal and streams of its own beside it
// is two: one without a terminal, whose three streams are pipes that end in a
// process which waits (pipesScript), and one at a terminal, which opens the pipes
// of that process by way of /proc, ends it, and becomes the command
// (attachScript). So the terminal only has to be there: nothing of the command's
// passes through it, and end of file stays end of file.
const (
	// pipesScript says the number of the process that waits on standard error. It
	// does so in a subshell, for a shell that redirects its own printf has another
	// standard output at that moment, which is the one that would be opened.
	// When all that held its pipes is gone it ends its group, for the first cat
	// still waits for input.
	pipesScript = `exec 3>&1 4>&2; cat | { { sh -c '(printf "%s %s\n" "$0" "$$" >&4); exec sleep 60 3>&- 4>&- 5>&-' "$1" 2>&5 | cat >&3 5>&-; } 5>&1 | cat >&4; kill -9 0; }`
	// attachScript's first argument is that number. The end of the terminal is no
	// signal to the command, as the end of a channel is none: it ignores SIGHUP. Of an end by SIGPIPE no shell
	// says a word.
	attachScript = `exec </proc/$1/fd/0 >/proc/$1/fd/1 2>/proc/$1/fd/2 || exit 126; kill -PIPE $1; shift; trap "" HUP; exec "$@"`
)

// atTerminal runs line with a controlling terminal, at which the method asks for
// the password.
func (c *becomeConn) atTerminal(ctx context.Context, line string) (Process, error) {
	conn, ok := c.conn.(Terminal)
	if !ok {
		return nil, c.refused(fmt.Errorf("%s takes the password from a terminal, and this connection has none", c.become.method()), "")
	}
	nonce := rand.Text()
	p, err := c.conn.Start(ctx, Quote("/bin/sh", "-c", pipesScript, "sh", nonce))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { p.Close() })
	number, err := waitFor(p.Stderr(), nonce)
	stop()
	if err != nil {
		p.Close()
		return nil, c.refused(fmt.Errorf("opening streams beside a terminal: %w", err), "")
	}
	t := c.newTalk()
	words := c.become.words(line, t.prompt, t.ready, true)
	control, err := conn.StartTerminal(ctx, Quote(append([]string{"/bin/sh", "-c", attachScript, "sh", strconv.Itoa(number)}, words...)...))
	if err != nil {
		p.Close()
		return nil, err
	}
	return c.converse(ctx, t, p, control)
}

// waitFor reads up to the line that begins with nonce and gives its number.
func waitFor(r io.Reader, nonce string) (int, error) {
	var text []byte
	for b := make([]byte, 1); len(text) < maxPreamble; { // no more than the line
		n, err := r.Read(b)
		text = append(text, b[:n]...)
		if n == 1 && b[0] == '\n' {
			line := string(text[strings.LastIndex(string(text[:len(text)-1]), "\n")+1:])
			if _, number, ok := strings.Cut(line, nonce+" "); ok {
				return strconv.Atoi(strings.TrimSpace(number))
			}
		}
		if err != nil {
			return 0, fmt.Errorf("the host's shell ended: %s", strings.TrimSpace(string(text)))
		}
	}
	return 0, fmt.Errorf("more than %d bytes came before its answer", maxPreamble)
}
