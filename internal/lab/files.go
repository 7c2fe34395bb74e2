package lab

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"thordeploy/internal/lab/guest"
)

// Names of what a lab writes into its folder.
const (
	inventoryFile  = "hosts.yml"
	keyFile        = "id_ed25519"
	publicKeyFile  = "id_ed25519.pub"
	knownHostsFile = "known_hosts"
	hostsFolder    = "hosts"
)

// ownFiles are all that a lab writes into its folder.
var ownFiles = []string{inventoryFile, keyFile, publicKeyFile, knownHostsFile, hostsFolder}

// makeFiles makes the lab's folder, its keys and the hosts' folders, and fills
// l.Hosts.
func (l *Lab) makeFiles(s *setup) error {
	if err := l.makeDir(s.Dir); err != nil {
		return err
	}
	l.Inventory = filepath.Join(l.Dir, inventoryFile)
	l.Key = filepath.Join(l.Dir, keyFile)
	l.KnownHosts = filepath.Join(l.Dir, knownHostsFile)
	public, err := writeKey(l.Key, "thorlab")
	if err != nil {
		return err
	}
	authorized := ssh.MarshalAuthorizedKey(public)
	var known strings.Builder
	hosts := make([]*Host, 0, len(s.specs))
	for _, spec := range s.specs {
		h := &Host{Name: spec.Hostname, Addr: spec.Addr, Port: spec.Port, lab: l, dir: filepath.Join(l.Dir, hostsFolder, spec.Hostname)}
		spec.Dir = h.dir
		hostKey, err := makeHostDir(h.dir, authorized, s.sshdConfig(spec))
		if err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
		known.WriteString(knownhosts.Line([]string{fmt.Sprintf("[%s]:%d", h.Addr, h.Port)}, hostKey) + "\n")
		hosts = append(hosts, h)
	}
	for path, content := range map[string][]byte{
		filepath.Join(l.Dir, publicKeyFile): authorized,
		l.KnownHosts:                        []byte(known.String()),
		l.Inventory:                         l.inventory(hosts),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("writing the lab's files: %w", err)
		}
	}
	l.Hosts = hosts
	return nil
}

// makeDir settles the lab's folder: the one asked for, or a temporary one.
func (l *Lab) makeDir(dir string) error {
	if dir == "" {
		dir, err := os.MkdirTemp("", "thorlab-")
		if err != nil {
			return fmt.Errorf("making the lab's folder: %w", err)
		}
		l.Dir, l.ownDir = dir, true
		return nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("making the lab's folder: %w", err)
	}
	err = os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		// Close removes these: they must not be someone's own.
		for _, name := range ownFiles {
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
				return fmt.Errorf("the folder %s already has a %s: end the lab that it belongs to, or choose another folder", dir, name)
			}
		}
		l.Dir = dir
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the lab's folder: %w", err)
	}
	l.Dir, l.ownDir = dir, true
	return nil
}

// removeFiles removes what makeFiles made, and nothing else: the folder may
// have been the user's.
func (l *Lab) removeFiles() error {
	if l.Dir == "" {
		return nil
	}
	if l.ownDir {
		if err := os.RemoveAll(l.Dir); err != nil {
			return fmt.Errorf("removing the lab's folder: %w", err)
		}
		return nil
	}
	var errs []error
	for _, name := range ownFiles {
		if err := os.RemoveAll(filepath.Join(l.Dir, name)); err != nil {
			errs = append(errs, fmt.Errorf("removing the lab's files: %w", err))
		}
	}
	return errors.Join(errs...)
}

// makeHostDir makes a host's private folder and gives its public host key.
func makeHostDir(dir string, authorized []byte, sshdConfig string) (ssh.PublicKey, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making its folder: %w", err)
	}
	for name, content := range map[string][]byte{
		guest.KeysFile:       authorized,
		guest.SshdConfigFile: []byte(sshdConfig),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, fmt.Errorf("filling its folder: %w", err)
		}
	}
	return writeKey(filepath.Join(dir, guest.HostKeyFile), "")
}

// writeKey makes a key in OpenSSH's form and gives its public half.
func writeKey(path, comment string) (ssh.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, fmt.Errorf("writing a key: %w", err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return key, nil
}

// inventory is the fleet in Ansible's YAML form, for it as well as thordeploy.
func (l *Lab) inventory(hosts []*Host) []byte {
	sshArgs := "-o IdentitiesOnly=yes -o GlobalKnownHostsFile=none -o " + shellQuote("UserKnownHostsFile="+sshOptionQuote(l.KnownHosts))
	var b bytes.Buffer
	fmt.Fprintf(&b, "all:\n  vars:\n")
	fmt.Fprintf(&b, "    ansible_user: root\n")
	fmt.Fprintf(&b, "    ansible_ssh_private_key_file: %s\n", quoteYAML(l.Key))
	fmt.Fprintf(&b, "    ansible_ssh_common_args: %s\n", quoteYAML(sshArgs))
	fmt.Fprintf(&b, "  hosts:\n")
	for _, h := range hosts {
		fmt.Fprintf(&b, "    %s:\n      ansible_host: %s\n      ansible_port: %d\n", h.Name, h.Addr, h.Port)
	}
	return b.Bytes()
}

// shellQuote quotes where it must, for Ansible splits these arguments as a
// shell does.
func shellQuote(s string) string {
	if !strings.ContainsAny(s, " \t'\"\\$`") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// sshdConfig is a host's sshd_config(5).
func (s *setup) sshdConfig(spec *guest.Spec) string {
	passwords := "no"
	for _, a := range spec.Accounts {
		if a.Password != "" {
			passwords = "yes"
		}
	}
	lines := append([]string{}, s.SSHDConfig...) // the first value of a keyword wins
	lines = append(lines,
		fmt.Sprintf("Port %d", spec.Port),
		"ListenAddress "+spec.Addr,
		"HostKey "+filepath.Join(guest.PrivateDir, guest.HostKeyFile),
		"AuthorizedKeysFile "+guest.AuthorizedKeysPath,
		"PidFile none",
		"PermitRootLogin prohibit-password",
		"PubkeyAuthentication yes",
		"PasswordAuthentication "+passwords,
		"KbdInteractiveAuthentication no",
		"UsePAM no",
		"UseDNS no",
		"X11Forwarding no",
		"PrintMotd no",
		"PrintLastLog no",
		"MaxStartups 100:30:200",
		"AcceptEnv LANG LC_*",
		"Subsystem sftp internal-sftp",
		"LogLevel VERBOSE",
	)
	if s.penalties {
		lines = append(lines, "PerSourcePenalties no")
	}
	if spec.Busybox != "" {
		lines = append(lines, "SetEnv PATH="+spec.Path())
	}
	return strings.Join(lines, "\n") + "\n"
}
