package sshserver

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// account is a user of the host, as its /etc/passwd says.
type account struct {
	name, home, shell string
	uid, gid          int
}

// findAccount looks a user up in passwd(5)'s file. It is read anew each time,
// as it belongs to the host and tests change it.
func findAccount(name string) (account, error) {
	data, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return account{}, fmt.Errorf("looking up user %s: %w", name, err)
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(f) != 7 || f[0] != name {
			continue
		}
		uid, err := strconv.Atoi(f[2])
		if err != nil {
			return account{}, fmt.Errorf("looking up user %s: %w", name, err)
		}
		gid, err := strconv.Atoi(f[3])
		if err != nil {
			return account{}, fmt.Errorf("looking up user %s: %w", name, err)
		}
		return account{name: name, home: f[5], shell: f[6], uid: uid, gid: gid}, nil
	}
	return account{}, fmt.Errorf("no such user: %s", name)
}
