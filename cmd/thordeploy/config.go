package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"thordeploy/internal/diag"
)

// maxConfig bounds an ansible.cfg, in bytes.
const maxConfig = 1 << 20

// config is what an ansible.cfg says: values by `section.key`, in small
// letters, with their places.
type config struct {
	file   string // absolute; empty: there is none
	values map[string]setting
}

// setting is a value with the place it comes from, for messages.
type setting struct {
	value string
	from  string // "ansible.cfg:3: forks" or "ANSIBLE_FORKS"
	dir   string // folder that relative paths start from
}

// findConfig is the ansible.cfg that counts, as Ansible looks for it:
// ANSIBLE_CONFIG (a file, or a folder with one), the current folder unless
// everybody may write there, the home folder, /etc/ansible.
func (m *Main) findConfig() string {
	var tries []string
	if name := m.Getenv("ANSIBLE_CONFIG"); name != "" {
		name = m.expand(name)
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			name = filepath.Join(name, "ansible.cfg")
		}
		tries = append(tries, name)
	}
	if dir, err := os.Getwd(); err == nil {
		name := filepath.Join(dir, "ansible.cfg")
		info, err := os.Stat(dir)
		switch _, missing := os.Stat(name); {
		case missing != nil || err != nil:
		case info.Mode().Perm()&0o002 != 0:
			fmt.Fprintf(m.err, "warning: %s is not read: everybody may write in its folder\n", diag.Escape(name))
		default:
			tries = append(tries, name)
		}
	}
	tries = append(tries, m.expand("~/.ansible.cfg"), "/etc/ansible/ansible.cfg")
	for _, name := range tries {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			return name
		}
	}
	return ""
}

// expand resolves a leading ~.
func (m *Main) expand(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok && m.Getenv("HOME") != "" {
		return filepath.Join(m.Getenv("HOME"), rest)
	}
	return name
}

// readConfig reads the ansible.cfg that counts.
func (m *Main) readConfig() (*config, error) {
	c := &config{values: map[string]setting{}}
	name := m.findConfig()
	if name == "" {
		return c, nil
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, wrong("check its mode, or name another file with ANSIBLE_CONFIG", "%s: %w", diag.Escape(path), cause(err))
	}
	defer f.Close()
	c.file = path
	return c, c.parse(io.LimitReader(f, maxConfig))
}

// parse reads the form of Python's configparser as Ansible uses it: sections,
// `key = value` or `key: value`, values that go on in indented lines, comments
// that begin with # or ;, and with ; after a blank behind a value.
func (c *config) parse(r io.Reader) error {
	section, last := "", ""
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxConfig)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimRight(lines.Text(), " \t\r")
		trimmed := strings.TrimSpace(text)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
			continue
		case text[0] == ' ' || text[0] == '\t':
			if last == "" {
				return c.wrong(n, "an indented line goes on with the value above, and there is none")
			}
			s := c.values[last]
			s.value = strings.TrimSpace(s.value + "\n" + uncommented(trimmed))
			c.values[last] = s
			continue
		case trimmed[0] == '[':
			name, ok := strings.CutSuffix(trimmed[1:], "]")
			if !ok {
				return c.wrong(n, "a section is written [name]")
			}
			section, last = strings.ToLower(name), ""
			continue
		}
		i := strings.IndexAny(text, "=:")
		if i < 1 || section == "" {
			return c.wrong(n, "write `key = value` below a [section]")
		}
		key := strings.ToLower(strings.TrimSpace(text[:i]))
		last = section + "." + key
		c.values[last] = setting{
			value: uncommented(strings.TrimSpace(text[i+1:])),
			from:  fmt.Sprintf("%s:%d: %s", diag.Escape(c.file), n, diag.Escape(key)), dir: filepath.Dir(c.file),
		}
	}
	if err := lines.Err(); err != nil {
		return wrong("is it the right file?", "%s: %w", diag.Escape(c.file), err)
	}
	return nil
}

func (c *config) wrong(line int, hint string) error {
	return wrong(hint, "%s:%d: this is no line of an ansible.cfg", diag.Escape(c.file), line)
}

// uncommented is a value without the comment behind it.
func uncommented(value string) string {
	if strings.HasPrefix(value, ";") {
		return ""
	}
	if i := strings.Index(value, " ;"); i >= 0 {
		return strings.TrimSpace(value[:i])
	}
	return value
}
