// Package sshconfig reads what ssh(1) reads to know how a host is reached:
// ssh_config(5) files and ssh's own arguments.
//
// [Load] reads the files once; [Config.For] walks their blocks for one host, in
// order, and of each keyword the first value counts. Arguments come before the
// files, the account's file before the system's. Match blocks are decided here
// where they look at names alone (all, host, originalhost, user, localuser); one
// that asks for more (exec, final, a network) is decided by `ssh -G`, where ssh
// is installed, and passed over with a note where not.
//
// The files are read by our own code: github.com/kevinburke/ssh_config (1.6)
// refuses a whole file for a `Match exec`, decides `Match host` before HostName
// is known, doesn't split values of several words, and says of a value neither
// where it stands nor which keywords a host's blocks have besides those asked
// for.
package sshconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
)

// maxDepth bounds files that include each other, as for ssh.
const maxDepth = 16

// maxFile is well above any configuration, in bytes.
const maxFile = 4 << 20

// Env is what the files' values and paths depend on besides the host.
type Env struct {
	Home      string // the account's folder
	User      string // the account here
	UID       int
	Getenv    func(string) string
	LocalHost string // this machine's name
	SSH       string // the ssh program that decides what isn't done here; empty: there is none
}

// Config is the files' content. It is immutable and may be used by many hosts
// at once.
type Config struct {
	env    Env
	blocks []block
	files  []string // the top ones, for ssh -G
	ssh    *oracle
}

// block is the lines that one Host or Match line governs.
type block struct {
	place  string
	host   []string // patterns of Host; nil: a Match, or the head of a file
	match  []criterion
	within []int // included files: the blocks around, all of which must match
	lines  []line
}

// Load reads files in order; one that doesn't exist counts as empty. A file of
// the account's that others may write to is refused, as by ssh.
func Load(env Env, files ...string) (*Config, error) {
	c := &Config{env: env, files: files, ssh: &oracle{env: env, files: files}}
	for _, name := range files {
		if err := c.read(name, name != "/etc/ssh/ssh_config", nil, 0); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// read adds the blocks of one file. Those of an included file count only where
// every block in within does.
func (c *Config) read(name string, private bool, within []int, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: files include each other more than %d deep", name, maxDepth)
	}
	text, err := c.content(name, private)
	if err != nil || text == "" {
		return err
	}
	// The head of a file has no Host line and holds for every host.
	at := c.begin(block{place: name + ":1", match: []criterion{}, within: within})
	for n, written := range strings.Split(text, "\n") {
		l, ok, err := parseLine(written, fmt.Sprintf("%s:%d", name, n+1))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		switch l.key {
		case "host":
			if len(l.words) == 0 {
				return l.errorf("has no pattern")
			}
			at = c.begin(block{place: l.place, host: l.words, within: within})
		case "match":
			criteria, err := parseMatch(l)
			if err != nil {
				return err
			}
			at = c.begin(block{place: l.place, match: criteria, within: within})
		case "include":
			if at, err = c.included(l, private, at, within, depth); err != nil {
				return err
			}
		default:
			c.blocks[at].lines = append(c.blocks[at].lines, l)
		}
	}
	return nil
}

func (c *Config) begin(b block) int {
	c.blocks = append(c.blocks, b)
	return len(c.blocks) - 1
}

// included reads the files of an Include line. What follows the line belongs to
// the block that the line stands in, and comes after what was included.
func (c *Config) included(l line, private bool, at int, within []int, depth int) (int, error) {
	if len(l.words) == 0 {
		return at, l.errorf("names no file")
	}
	around := append(append([]int{}, within...), at)
	for _, pattern := range l.words {
		path := c.path(pattern)
		if !filepath.IsAbs(path) {
			base := "/etc/ssh"
			if private {
				base = filepath.Join(c.env.Home, ".ssh")
			}
			path = filepath.Join(base, path)
		}
		matches, err := filepath.Glob(path)
		if err != nil {
			return at, l.errorf("%s: %v", pattern, err)
		}
		sort.Strings(matches)
		for _, name := range matches {
			if err := c.read(name, private, around, depth+1); err != nil {
				return at, err
			}
		}
	}
	b := c.blocks[at]
	b.lines = nil
	return c.begin(b), nil
}

func (c *Config) content(name string, private bool) (string, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if private {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != 0 && int(st.Uid) != c.env.UID || info.Mode().Perm()&0o022 != 0 {
			return "", fmt.Errorf("%s: others than its owner may write to it, or it is another account's: ssh would refuse it too (chmod 600 %s)", name, name)
		}
	}
	if info.Size() > maxFile {
		return "", fmt.Errorf("%s: %d bytes are too many for a configuration of ssh", name, info.Size())
	}
	text, err := os.ReadFile(name)
	return string(text), err
}

// parseLine reads `Keyword value…` or `Keyword=value`. ok is false for an empty
// line or a comment.
func parseLine(text, place string) (l line, ok bool, err error) {
	text = strings.Trim(text, " \t\r\f")
	if text == "" || text[0] == '#' {
		return l, false, nil
	}
	i := strings.IndexAny(text, "= \t")
	if i < 0 {
		i = len(text)
	}
	l = line{place: place, name: text[:i], key: strings.ToLower(text[:i])}
	l.raw = strings.TrimLeft(text[i:], " \t")
	l.raw = strings.TrimLeft(strings.TrimPrefix(l.raw, "="), " \t")
	if l.words, err = splitLine(l.raw); err != nil {
		return l, false, l.errorf("%v", err)
	}
	return l, true, nil
}
