package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// firstUID is the user and group id of the first account.
const firstUID = 61000

// editRoot makes root able to log in by key: sshd without PAM refuses a locked
// password. With a shell given, root logs in with /bin/sh.
func editRoot(shell string) error {
	if err := editEntry("/etc/shadow", "root", func(fields []string) {
		if strings.HasPrefix(fields[1], "!") {
			fields[1] = "*"
		}
	}); err != nil {
		return err
	}
	return editEntry("/etc/passwd", "root", func(fields []string) {
		if shell != "" {
			fields[len(fields)-1] = "/bin/sh"
		}
	})
}

// editEntry changes one entry of a file such as /etc/passwd (passwd(5)).
func editEntry(path, name string, edit func(fields []string)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the host's accounts: %w", err)
	}
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		fields := strings.Split(line, ":")
		if fields[0] != name || len(fields) < 3 {
			continue
		}
		edit(fields)
		changed := strings.Join(fields, ":")
		if changed == line {
			return nil
		}
		lines[i] = changed
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			return fmt.Errorf("changing %s in %s: %w", name, path, err)
		}
		return nil
	}
	return fmt.Errorf("%s has no entry %s", path, name)
}

// addAccounts adds users without a password, with a group and a home each.
func addAccounts(accounts []Account, busybox bool) error {
	var passwd, group, shadow, sudoers strings.Builder
	if busybox {
		fmt.Fprintf(&sudoers, "Defaults secure_path=%q\n", appletsDir)
	}
	for i, a := range accounts {
		id, home := firstUID+i, filepath.Join("/home", a.Name)
		fmt.Fprintf(&passwd, "%s:x:%d:%d::%s:/bin/sh\n", a.Name, id, id, home)
		fmt.Fprintf(&group, "%s:x:%d:\n", a.Name, id)
		fmt.Fprintf(&shadow, "%s:*:19000:0:99999:7:::\n", a.Name)
		switch a.Sudo {
		case SudoFree:
			fmt.Fprintf(&sudoers, "%s ALL=(ALL:ALL) NOPASSWD: ALL\n", a.Name)
		case SudoPassword:
			fmt.Fprintf(&sudoers, "%s ALL=(ALL:ALL) ALL\n", a.Name)
		}
		if err := os.Mkdir(home, 0o700); err != nil {
			return fmt.Errorf("making the home of %s: %w", a.Name, err)
		}
		if err := os.Chown(home, id, id); err != nil {
			return fmt.Errorf("making the home of %s: %w", a.Name, err)
		}
	}
	for path, lines := range map[string]string{"/etc/passwd": passwd.String(), "/etc/group": group.String(), "/etc/shadow": shadow.String()} {
		if err := appendTo(path, lines); err != nil {
			return err
		}
	}
	if _, err := os.Stat("/etc/sudoers.d"); err != nil {
		return nil // no sudo on this machine: its absence is for the test to notice
	}
	if err := os.WriteFile("/etc/sudoers.d/thorlab", []byte(sudoers.String()), 0o440); err != nil {
		return fmt.Errorf("allowing the accounts to use sudo: %w", err)
	}
	return nil
}

func appendTo(path, lines string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("adding accounts: %w", err)
	}
	if _, err := f.WriteString(lines); err != nil {
		f.Close()
		return fmt.Errorf("adding accounts to %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("adding accounts to %s: %w", path, err)
	}
	return nil
}
