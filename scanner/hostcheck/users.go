package hostcheck

import (
	"context"
	"path"
	"strconv"
	"strings"
)

var (
	secondRoot     = &rule{"User_Second_Root", "T1136.001", "an account besides root has the user id 0"}
	emptyPassword  = &rule{"User_Empty_Password", "T1078.003", "an account can be logged in to without a password"}
	servicePasswd  = &rule{"User_Service_Account_Login", "T1078.003", "an account of a service has a shell and a password"}
	sharedID       = &rule{"User_Shared_ID", "T1136.001", "two accounts share a user id"}
	readableSecret = &rule{"User_Password_In_Passwd", "T1003.008", "a password's hash stands where everybody can read it"}
)

// users looks at /etc/passwd and /etc/shadow, passwd(5) and shadow(5).
var users = &check{
	module: "Users", about: "accounts: a second root, missing passwords, services that can log in",
	rules: []*rule{secondRoot, emptyPassword, servicePasswd, sharedID, readableSecret},
	look:  lookAtUsers,
}

// account is a line of /etc/passwd.
type account struct {
	name, secret, home, shell string
	uid                       int
	line                      string
}

// accounts reads /etc/passwd; lines that aren't accounts are passed over, as
// the C library does.
func (h *host) accounts() []account {
	var list []account
	for line := range strings.Lines(string(h.read("/etc/passwd"))) {
		line = strings.TrimRight(line, "\n")
		f := strings.Split(line, ":")
		if len(f) < 7 || strings.HasPrefix(line, "#") {
			continue
		}
		uid, err := strconv.Atoi(f[2])
		if err != nil {
			continue
		}
		list = append(list, account{name: f[0], secret: f[1], uid: uid, home: f[5], shell: f[6], line: line})
	}
	return list
}

// secrets reads the second field of /etc/shadow.
func (h *host) secrets() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(string(h.read("/etc/shadow"))) {
		f := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(f) >= 2 {
			out[f[0]] = f[1]
		}
	}
	return out
}

// maxSystemID is the highest id of accounts that distributions give to
// services.
const maxSystemID = 999

func lookAtUsers(_ context.Context, h *host) {
	secrets := h.secrets()
	names := map[int]string{}
	for _, a := range h.accounts() {
		first, shared := names[a.uid]
		switch {
		case a.uid == 0 && a.name != "root":
			h.reportLine(secondRoot, "/etc/passwd", a.line, 75, "account %s has the user id 0, as root", a.name)
		case shared:
			h.reportLine(sharedID, "/etc/passwd", a.line, 50, "accounts %s and %s share the user id %d", first, a.name, a.uid)
		}
		if !shared {
			names[a.uid] = a.name
		}
		secret, inShadow := secrets[a.name]
		if a.secret != "x" {
			secret, inShadow = a.secret, true
		}
		switch {
		case !inShadow:
		case secret == "" && logsIn(a.shell):
			h.reportLine(emptyPassword, "/etc/passwd", a.line, 75, "account %s needs no password, and has the shell %s", a.name, a.shell)
		case isHash(a.secret):
			// The line isn't quoted: it would put the hash into the log.
			h.reportLine(readableSecret, "/etc/passwd", a.name, 60, "the password's hash of account %s stands in /etc/passwd", a.name)
		case a.uid > 0 && a.uid <= maxSystemID && logsIn(a.shell) && isHash(secret):
			h.reportLine(servicePasswd, "/etc/passwd", a.line, 60, "account %s of a service has the shell %s and a password", a.name, a.shell)
		}
	}
}

// isHash reports whether a password field lets somebody in: "*", "!" and
// whatever begins with "!" lock it.
func isHash(secret string) bool {
	return strings.HasPrefix(secret, "$") || len(secret) == 13 && !strings.ContainsAny(secret, "*!")
}

// logsIn reports whether a shell lets a person work; an empty one is /bin/sh.
func logsIn(shell string) bool {
	switch path.Base(shell) {
	case "nologin", "false", "true", "sync", "halt", "shutdown":
		return false
	}
	return true
}
