package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// sshArgs is what ansible_ssh_common_args and ansible_ssh_extra_args come to:
// the options of ssh(1) that matter without an ssh program.
type sshArgs struct {
	port           int
	user           string
	keyFiles       []string
	knownHosts     []string // UserKnownHostsFile; nil: not set
	systemHosts    []string // GlobalKnownHostsFile; nil: not set
	ignoreHostKey  bool
	onlyKeyFiles   bool // IdentitiesOnly: no agent
	connectTimeout time.Duration
	keepalive      time.Duration // ServerAliveInterval; negative: never ask, which is its 0
	keepaliveCount int           // ServerAliveCountMax
}

// harmless are options of ssh_config(5) that change nothing here: connections
// are shared anyway, and nobody is asked anything.
var harmless = map[string]bool{
	"controlmaster": true, "controlpersist": true, "controlpath": true, "batchmode": true, "loglevel": true,
	"compression": true, "tcpkeepalive": true, "forwardagent": true, "forwardx11": true,
	"gssapiauthentication": true, "preferredauthentications": true, "kbdinteractiveauthentication": true,
	"passwordauthentication": true, "pubkeyauthentication": true, "connectionattempts": true, "updatehostkeys": true,
	"visualhostkey": true, "hashknownhosts": true, "numberofpasswordprompts": true, "requesttty": true, "checkhostip": true,
}

var errJump = errors.New("jump hosts are not supported yet")

// parseSSHArgs reads the arguments as a shell would split them.
func parseSSHArgs(text string) (sshArgs, error) {
	var a sshArgs
	words, err := splitWords(text)
	if err != nil {
		return a, err
	}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch {
		case word == "-C" || word == "-q" || word == "-4" || word == "-6" || word == "-T" || word == "-A" || word == "-a" || word == "-x":
			continue
		case strings.HasPrefix(word, "-J"):
			return a, errJump
		case len(word) < 2 || word[0] != '-' || !strings.ContainsRune("opil", rune(word[1])):
			return a, fmt.Errorf("%s is not known here: only -o, -p, -l and -i are", word)
		}
		value := word[2:]
		if value == "" {
			if len(words) == 0 {
				return a, fmt.Errorf("%s needs a value", word)
			}
			value, words = words[0], words[1:]
		}
		if word[1] != 'o' {
			value = map[byte]string{'p': "Port", 'l': "User", 'i': "IdentityFile"}[word[1]] + "=" + value
		}
		if err := a.option(value); err != nil {
			return a, err
		}
	}
	return a, nil
}

// option takes one `-o Key=Value`.
func (a *sshArgs) option(text string) error {
	i := strings.IndexAny(text, "= \t")
	if i < 0 {
		return fmt.Errorf("-o %s has no value", text)
	}
	key := text[:i]
	value := strings.TrimLeft(text[i:], "= \t")
	if !strings.HasSuffix(strings.ToLower(key), "knownhostsfile") { // that one is a list, its words quoted
		value = strings.Trim(value, `"`)
	}
	var err error
	switch lower := strings.ToLower(key); {
	case harmless[lower]:
	case lower == "port":
		a.port, err = strconv.Atoi(value)
		if err != nil || a.port < 1 || a.port > 65535 {
			return fmt.Errorf("-o Port=%s is not a port", value)
		}
	case lower == "user":
		a.user = value
	case lower == "identityfile":
		a.keyFiles = append(a.keyFiles, value)
	case lower == "identitiesonly":
		a.onlyKeyFiles = strings.EqualFold(value, "yes")
	case lower == "userknownhostsfile":
		a.knownHosts, err = splitWords(value)
	case lower == "globalknownhostsfile":
		a.systemHosts, err = splitWords(value)
	case lower == "connecttimeout":
		a.connectTimeout, err = seconds(value)
	case lower == "serveraliveinterval":
		a.keepalive, err = seconds(value)
		if err == nil && a.keepalive == 0 {
			a.keepalive = -1
		}
	case lower == "serveralivecountmax":
		a.keepaliveCount, err = strconv.Atoi(value)
		if err != nil || a.keepaliveCount < 1 {
			return fmt.Errorf("-o ServerAliveCountMax=%s is not a number of questions", value)
		}
	case lower == "stricthostkeychecking":
		return a.checking(value)
	case lower == "proxyjump" || lower == "proxycommand":
		return fmt.Errorf("-o %s: %w", key, errJump)
	default:
		return fmt.Errorf("-o %s is not known here", key)
	}
	if err != nil {
		return fmt.Errorf("-o %s: %w", key, err)
	}
	return nil
}

func (a *sshArgs) checking(value string) error {
	switch strings.ToLower(value) {
	case "yes", "ask", "true":
		return nil
	case "no", "off", "false":
		a.ignoreHostKey = true
	default:
		return fmt.Errorf("-o StrictHostKeyChecking=%s is not known here: write yes, and add the hosts' keys to known_hosts", value)
	}
	return nil
}

func seconds(text string) (time.Duration, error) {
	n, err := strconv.ParseUint(text, 10, 20)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number of seconds", text)
	}
	return time.Duration(n) * time.Second, nil
}

// splitWords splits text at blanks, as a POSIX shell does, with quotes and
// backslashes but without expansions.
func splitWords(text string) ([]string, error) {
	var words []string
	var b strings.Builder
	in, quote := false, rune(0)
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				b.WriteRune('\\')
			}
			b.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, in = true, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				b.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if in {
				words = append(words, b.String())
				b.Reset()
				in = false
			}
		default:
			b.WriteRune(r)
			in = true
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("a quote is not closed in %q", text)
	}
	if in {
		words = append(words, b.String())
	}
	return words, nil
}
