package ssh

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

// failure turns what the library says into what a person can use.
type failure struct {
	cfg   Config
	phase transport.Phase
	keys  *hostKeys
	auth  *auth
	tap   *tap
}

func (f failure) timeout(limit time.Duration) *transport.Error {
	if f.phase == transport.PhaseAuth {
		return f.auth.refused(fmt.Errorf("not done within %v", limit))
	}
	line, isSSH := f.tap.greeting()
	switch {
	case line == "":
		return f.fail(fmt.Errorf("the host accepted the connection and said nothing for %v", limit),
			"something else than sshd may listen there, or the host is overloaded")
	case !isSSH:
		return f.notSSH(line)
	}
	return f.fail(fmt.Errorf("the key exchange was not done within %v", limit), "the host is overloaded, or the network loses large packets (MTU)")
}

func (f failure) explain(err error) *transport.Error {
	var te *transport.Error
	if errors.As(err, &te) {
		return te
	}
	var no *ssh.AlgorithmNegotiationError
	if errors.As(err, &no) {
		if no.What == "host key" {
			return f.keys.noCommonKey(no.RequestedAlgorithms)
		}
		return f.fail(fmt.Errorf("no %s in common: the host offers %s", no.What, algorithmNames(no.RequestedAlgorithms)),
			"the host's sshd is too old, or its sshd_config allows too little")
	}
	cause := errors.New(trimLibrary(err))
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		cause = fmt.Errorf("the host closed the connection: %w", rootCause(err))
	}
	if f.phase == transport.PhaseAuth {
		if strings.Contains(err.Error(), "no supported methods remain") || strings.Contains(err.Error(), refusedUnasked) {
			cause = nil
		}
		return f.auth.refused(cause)
	}
	switch line, isSSH := f.tap.greeting(); {
	case line == "":
		return f.fail(fmt.Errorf("%w before saying anything", cause),
			"sshd may have too many logins at once (MaxStartups) or refuse this address; or it isn't sshd")
	case !isSSH:
		return f.notSSH(line)
	}
	return f.fail(cause, "")
}

func (f failure) notSSH(line string) *transport.Error {
	return f.fail(fmt.Errorf("this is no SSH server: it says %q", line),
		fmt.Sprintf("check the port (ansible_port, now %d); a refusal in words (too many logins, a ban) comes from the host's sshd or firewall", f.cfg.Port))
}

func (f failure) fail(err error, hint string) *transport.Error {
	return f.cfg.fail(transport.PhaseHandshake, err, hint)
}

// refusedUnasked is what the library says where a host offers
// keyboard-interactive and then refuses it without a question.
const refusedUnasked = "unexpected message type 51 (expected 60)"

// algorithmNames lists what a host offers, without the marks that only look
// like algorithms (RFC 8308, OpenSSH's strict key exchange).
func algorithmNames(offered []string) string {
	names := slices.DeleteFunc(said(offered), func(a string) bool {
		return strings.HasPrefix(a, "kex-strict-") || strings.HasPrefix(a, "ext-info-")
	})
	return strings.Join(names, ", ")
}

// said makes a host's own words fit for a message to a terminal: each printable
// ASCII of a bounded length, and not too many.
func said(words []string) []string {
	const most, longest = 32, 200
	out := make([]string, 0, min(len(words), most))
	for _, w := range words[:min(len(words), most)] {
		w = strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '?'
			}
			return r
		}, w[:min(len(w), longest)])
		out = append(out, w)
	}
	return out
}

// rootCause is the innermost error.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// trimLibrary drops the library's own prefixes.
func trimLibrary(err error) string {
	return strings.ReplaceAll(strings.TrimPrefix(err.Error(), "ssh: handshake failed: "), "ssh: ", "")
}
