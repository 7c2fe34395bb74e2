package shell

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
	"time"

	"thordeploy/transport"
)

//go:embed sh/guard.sh
var guardText string

//go:embed sh/loop.sh
var loopText string

// bootLine is the command line that starts a session with sh as its shell, and
// the only text that the account's login shell sees: the shell becomes the
// program that it reads from standard input. Nothing may follow the program
// before it has answered, for head may read ahead. The line has no newline,
// single quote or exclamation mark within its quotes, so that csh and fish take
// it as sh does.
func bootLine(sh, program string) string {
	if sh == "" {
		sh = "/bin/sh"
	}
	return fmt.Sprintf(`exec %s -c 'eval "$(head -c %d)"'`, sh, len(program))
}

// bashAsSh makes bash behave as it does when it is /bin/sh: a trap interrupts a
// read, which the guard's lease lives on.
const bashAsSh = "[ -z \"$BASH_VERSION\" ] || set -o posix\n"

// program is both shell programs and the values they need. Cut off anywhere, it
// does nothing.
func program(nonce string, lease time.Duration, become bool) string {
	var b strings.Builder
	flag := 0
	if become {
		flag = 1
	}
	fmt.Fprintf(&b, "N='\n' Z=%s L=%d B=%d\nexec 3>&1 4>&2\n"+bashAsSh, nonce, int(math.Ceil(lease.Seconds())), flag)
	b.WriteString(slim(guardText))
	b.WriteString(slim(loopText))
	b.WriteString("guard | loop\n")
	return b.String()
}

// slim drops what a shell program doesn't need on its way: lines that are
// comments, indentation by tabs, empty lines. Programs sent to a host therefore
// keep no text that spans lines.
func slim(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimLeft(line, "\t")
		if line == "\n" || strings.HasPrefix(line, "#") {
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// request joins words into one request line. A newline inside a word becomes
// the variable that holds one, so that a request is always one line.
func request(words ...string) (string, error) {
	q := transport.Quote(words...)
	if strings.IndexByte(q, 0) >= 0 {
		return "", fmt.Errorf("a NUL byte can't be part of a command's words")
	}
	return strings.ReplaceAll(q, "\n", `'"$N"'`), nil
}

// message is text for the guard. A held one is taken by a program that may read
// ahead: nothing may follow before the host has said that it has it, or that
// the task is no more.
type message struct {
	text string
	held bool
	done chan struct{} // closed when a held one was taken; may be nil
}

// blockFrom is the length from which a request travels as a block. A shell reads
// lines a byte at a time, twice on the way to the loop, which costs it a
// millisecond for 1 KB; a block costs two processes of head, whatever its size.
const blockFrom = 3 << 10

// blockEnd ends a block, so that one cut off by the end of the channel is not
// taken for a shorter command. Requests have no newline within them.
const blockEnd = "\n#end"

// tasks is the message that gives the loop these request lines.
func tasks(lines ...string) message {
	text := strings.Join(lines, "\n")
	if len(text) < blockFrom {
		return message{text: "T " + strings.Join(lines, "\nT ") + "\n"}
	}
	return message{text: fmt.Sprintf("B %d\n%s%s", len(text)+len(blockEnd), text, blockEnd), held: true}
}
