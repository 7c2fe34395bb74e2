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

// boot is the only text that the account's login shell sees, within single
// quotes: it reads the program from standard input up to a line "#end" and
// becomes it. It has no newline, quote or exclamation mark, so that csh and
// fish take it as sh does, and it stays far below any limit on an argument.
const boot = `N=$(printf "\012.");N=${N%.};p=;while :;do IFS= read -r l||exit 1;case $l in "#end")break;;esac;p=$p$l$N;done;eval "$p"`

// bootLine is the command line that starts a session with sh as its shell.
func bootLine(sh string) string {
	if sh == "" {
		sh = "/bin/sh"
	}
	return "exec " + sh + " -c '" + boot + "'"
}

// bashAsSh makes bash behave as it does when it is /bin/sh: a trap interrupts a
// read, which the guard's lease lives on.
const bashAsSh = "[ -z \"$BASH_VERSION\" ] || set -o posix\n"

// program is what boot reads: both shell programs and the values they need.
func program(nonce string, lease time.Duration, become bool) string {
	var b strings.Builder
	flag := 0
	if become {
		flag = 1
	}
	fmt.Fprintf(&b, "Z=%s L=%d B=%d\nexec 3>&1 4>&2\n"+bashAsSh, nonce, int(math.Ceil(lease.Seconds())), flag)
	b.WriteString(slim(guardText))
	b.WriteString(slim(loopText))
	b.WriteString("guard | loop\n#end\n")
	return b.String()
}

// slim drops what a shell program doesn't need on its way: lines that are
// comments, indentation by tabs, empty lines. Shell reads its input a byte at
// a time, so every byte costs the host a system call. Programs sent to a host
// therefore keep no text that spans lines.
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
