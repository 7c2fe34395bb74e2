package hostcheck

import (
	"context"
	"path"
	"regexp"
	"strings"
)

var (
	keyCommand = &rule{"SSH_Authorized_Key_Command", "T1098.004", "a key that may log in starts a program that is suspicious"}
	keyEnv     = &rule{"SSH_Authorized_Key_Environment", "T1098.004", "a key that may log in sets what is loaded into its programs"}
	keyService = &rule{"SSH_Service_Account_Key", "T1098.004", "an account without a shell to work in has keys that may log in"}
	sshdOption = &rule{"SSH_Server_Option", "T1556", "the SSH server lets people in who shouldn't be"}
	sudoAll    = &rule{"Sudo_Without_Password", "T1548.003", "an account of a service, or everybody, may become root without a password"}
)

// remoteAccess looks at who may come in by SSH and become root.
var remoteAccess = &check{
	module: "RemoteAccess", about: "keys that may log in, the SSH server's options, sudoers",
	rules: []*rule{keyCommand, keyEnv, keyService, sshdOption, sudoAll},
	look: func(_ context.Context, h *host) {
		list := h.accounts()
		for _, a := range list {
			lookAtKeys(h, a)
		}
		lookAtServer(h)
		lookAtSudoers(h, list)
	},
}

// suspicious are command lines that hardly anybody but an intruder lets start
// by itself.
var suspicious = []struct {
	re    *regexp.Regexp
	what  string
	score int
}{
	{regexp.MustCompile(`/dev/(?:tcp|udp)/`), "opens a connection with the shell alone", 80},
	{regexp.MustCompile(`(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:ba|da|z|k)?sh\b`), "downloads a script and runs it", 75},
	{regexp.MustCompile(`base64\s+(?:-d|--decode|-D)\b[^|;&]*\|\s*(?:ba|da|z|k)?sh\b`), "decodes a script and runs it", 80},
	{regexp.MustCompile(`\bn(?:c|cat|etcat)\b.*\s-[a-z]*[ec]\b`), "gives a shell to the network", 75},
	{regexp.MustCompile(`(?:^|[\s"'=;&|])/(?:dev/shm|tmp|var/tmp)/[^\s"';&|]+`), "runs from a folder that everybody may write to", 65},
	{regexp.MustCompile(`\bsocat\b.*\bexec:`), "gives a shell to the network", 75},
}

// commandScore says what is suspicious about a command line.
func commandScore(command string) (what string, score int) {
	for _, s := range suspicious {
		if s.score > score && s.re.MatchString(command) {
			what, score = s.what, s.score
		}
	}
	return what, score
}

var (
	optionCommand     = regexp.MustCompile(`(?i)(?:^|,)command="((?:[^"\\]|\\.)*)"`)
	optionEnvironment = regexp.MustCompile(`(?i)(?:^|,)environment="(LD_PRELOAD|LD_AUDIT|LD_LIBRARY_PATH|BASH_ENV|PYTHONSTARTUP|PERL5OPT)=`)
	keyType           = regexp.MustCompile(`(?:^|\s)(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+)\s+[A-Za-z0-9+/=]{20,}`)
)

// lookAtKeys reads the authorized_keys of an account, sshd(8).
func lookAtKeys(h *host, a account) {
	for _, base := range []string{"authorized_keys", "authorized_keys2"} {
		name := path.Join("/", a.home, ".ssh", base)
		keys := 0
		for line := range strings.Lines(string(h.read(name))) {
			line = strings.TrimSpace(line)
			at := keyType.FindStringIndex(line)
			if at == nil || strings.HasPrefix(line, "#") {
				continue
			}
			keys++
			options := strings.TrimSpace(line[:at[0]])
			if m := optionCommand.FindStringSubmatch(options); m != nil {
				if what, score := commandScore(m[1]); score > 0 {
					h.reportLine(keyCommand, name, options, score, "a key of account %s %s", a.name, what)
				}
			}
			if m := optionEnvironment.FindStringSubmatch(options); m != nil {
				h.reportLine(keyEnv, name, options, 75, "a key of account %s sets %s", a.name, m[1])
			}
		}
		if keys > 0 && a.uid > 0 && a.uid <= maxSystemID && !logsIn(a.shell) {
			h.reportLine(keyService, name, a.line, 65, "account %s of a service, with the shell %s, has %d keys that may log in", a.name, a.shell, keys)
		}
	}
}

// lookAtServer reads sshd_config(5), whose first value of an option counts.
func lookAtServer(h *host) {
	files := []string{"/etc/ssh/sshd_config"}
	for _, name := range h.list("/etc/ssh/sshd_config.d") {
		if strings.HasSuffix(name, ".conf") {
			files = append(files, "/etc/ssh/sshd_config.d/"+name)
		}
	}
	for _, name := range files {
		for line := range strings.Lines(string(h.read(name))) {
			line = strings.TrimSpace(line)
			word, value, ok := strings.Cut(strings.ReplaceAll(strings.ReplaceAll(line, "\t", " "), "=", " "), " ")
			value = strings.TrimSpace(value)
			if !ok || strings.HasPrefix(line, "#") {
				continue
			}
			score := 0
			switch strings.ToLower(word) {
			case "permitemptypasswords":
				if strings.EqualFold(value, "yes") {
					score = 65
				}
			case "authorizedkeysfile", "authorizedkeyscommand", "trustedusercakeys", "forcecommand":
				if _, score = commandScore(value); score == 0 && strings.Contains(value, "/.") && strings.HasPrefix(value, "/") {
					score = 60
				}
			}
			if score > 0 {
				h.reportLine(sshdOption, name, line, score, "the SSH server has %s %s", word, value)
			}
		}
	}
}

var sudoRule = regexp.MustCompile(`^(\S+)\s+\S+\s*=\s*(?:\([^)]*\)\s*)?(.*)$`)

// lookAtSudoers reads sudoers(5) and the folder beside it.
func lookAtSudoers(h *host, list []account) {
	services := map[string]bool{}
	for _, a := range list {
		services[a.name] = a.uid > 0 && a.uid <= maxSystemID
	}
	files := []string{"/etc/sudoers"}
	for _, name := range h.list("/etc/sudoers.d") {
		if !strings.Contains(name, ".") && !strings.HasSuffix(name, "~") {
			files = append(files, "/etc/sudoers.d/"+name)
		}
	}
	for _, name := range files {
		text := strings.ReplaceAll(string(h.read(name)), "\\\n", " ")
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			m := sudoRule.FindStringSubmatch(line)
			if m == nil || strings.HasPrefix(line, "#") || !strings.Contains(m[2], "NOPASSWD") || !strings.HasSuffix(strings.TrimSpace(m[2]), "ALL") {
				continue
			}
			if who := m[1]; who == "ALL" || services[who] {
				h.reportLine(sudoAll, name, line, 75, "%s may run everything as root without a password", who)
			}
		}
	}
}
