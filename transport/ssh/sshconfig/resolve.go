package sshconfig

import (
	"context"
	"fmt"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
)

// Asked is the host to resolve and what is known of it already.
type Asked struct {
	Host string // as a person calls it: what Host and Match originalhost look at
	User string // the account, where it is settled; empty: args, files or Env.User say
	Port int    // likewise
	Args Args
}

// For gives what arguments and files say about a host, their tokens expanded.
// Notes are remarks on what was passed over.
func (c *Config) For(ctx context.Context, a Asked) (Options, []Note, error) {
	d := newDraft()
	if a.Args.draft != nil {
		d = a.Args.draft.clone()
	}
	if a.User != "" {
		d.User, d.said["user"] = a.User, true
	}
	if a.Port != 0 {
		d.Port, d.said["port"] = a.Port, true
	}
	undecided, err := c.walk(d, a)
	if err != nil {
		return Options{}, nil, err
	}
	if undecided != "" {
		if err := c.bySSH(ctx, d, a, undecided); err != nil {
			return Options{}, nil, err
		}
	}
	err = c.expand(d, a)
	return d.Options, d.notes, err
}

// walk takes the lines of each block that counts for the host. undecided is the
// place and condition of the first Match that only ssh can decide; d is then of
// the blocks before it and those that don't hang on it.
func (c *Config) walk(d *draft, a Asked) (undecided string, err error) {
	counts := make([]bool, len(c.blocks))
	for i, b := range c.blocks {
		counts[i] = true
		for _, around := range b.within {
			counts[i] = counts[i] && counts[around]
		}
		if !counts[i] {
			continue
		}
		if b.host != nil {
			counts[i] = MatchList(b.host, a.Host, false)
		} else if len(b.match) > 0 {
			ok, asks := holds(b.match, c.subject(d, a))
			if counts[i] = ok; asks != "" && undecided == "" {
				undecided = b.place + ": Match " + asks
			}
		}
		if !counts[i] {
			continue
		}
		for _, l := range b.lines {
			if err := d.set(l); err != nil {
				return "", err
			}
		}
	}
	return undecided, nil
}

func (c *Config) subject(d *draft, a Asked) subject {
	s := subject{original: a.Host, host: a.Host, user: d.User, localUser: c.env.User}
	if d.HostName != "" {
		if name, err := replaceTokens(d.HostName, map[byte]string{'h': a.Host}); err == nil {
			s.host = name
		}
	}
	if s.user == "" {
		s.user = c.env.User
	}
	return s
}

// bySSH has ssh decide, or notes that nobody does.
func (c *Config) bySSH(ctx context.Context, d *draft, a Asked, undecided string) error {
	if c.env.SSH == "" {
		place, what, _ := strings.Cut(undecided, ": ")
		d.note(place, "%s isn't done here: its lines were passed over, for there is no ssh program to decide it", what)
		return nil
	}
	lines, err := c.ssh.ask(ctx, a)
	if err != nil {
		return fmt.Errorf("%s: asking ssh what it says: %w", undecided, err)
	}
	notes := d.notes
	fresh := newDraft()
	if a.Args.draft != nil {
		fresh = a.Args.draft.clone()
	}
	if a.User != "" {
		fresh.User, fresh.said["user"] = a.User, true
	}
	if a.Port != 0 {
		fresh.Port, fresh.said["port"] = a.Port, true
	}
	for _, l := range lines {
		if err := fresh.set(l); err != nil {
			return err
		}
	}
	*d = *fresh
	d.notes = notes
	return nil
}

// expand replaces tokens, variables of the environment and ~ where
// ssh_config(5) has it.
func (c *Config) expand(d *draft, a Asked) error {
	o := &d.Options
	var err error
	keep := func(s string, e error) string {
		if err == nil {
			err = e
		}
		return s
	}
	if o.HostName != "" {
		o.HostName = keep(replaceTokens(o.HostName, map[byte]string{'h': a.Host}))
	}
	tokens := c.tokens(o, a)
	if o.ProxyCommand != "" {
		o.ProxyCommand = keep(replaceTokens(o.ProxyCommand, tokens))
	}
	if o.HostKeyAlias != "" {
		o.HostKeyAlias = keep(replaceTokens(o.HostKeyAlias, tokens))
	}
	for _, list := range []*[]string{&o.IdentityFiles, &o.CertificateFiles, &o.KnownHosts, &o.SystemKnownHosts} {
		*list = slices.Clone(*list)
		for i, name := range *list {
			if !strings.EqualFold(name, "none") {
				(*list)[i] = keep(c.file(name, tokens))
			}
		}
	}
	switch {
	case strings.EqualFold(o.IdentityAgent, "none"):
		o.IdentityAgent = "none"
	case o.IdentityAgent == "SSH_AUTH_SOCK":
		o.IdentityAgent = ""
	case strings.HasPrefix(o.IdentityAgent, "$") && !strings.HasPrefix(o.IdentityAgent, "${"):
		o.IdentityAgent = c.getenv(o.IdentityAgent[1:])
	case o.IdentityAgent != "":
		o.IdentityAgent = keep(c.file(o.IdentityAgent, tokens))
	}
	return err
}

// tokens are those of ssh_config(5), TOKENS.
func (c *Config) tokens(o *Options, a Asked) map[byte]string {
	t := map[byte]string{
		'd': c.env.Home, 'h': a.Host, 'i': fmt.Sprint(c.env.UID), 'k': a.Host, 'l': c.env.LocalHost,
		'n': a.Host, 'p': "22", 'r': c.env.User, 'u': c.env.User, 'j': "",
	}
	t['L'], _, _ = strings.Cut(c.env.LocalHost, ".")
	if o.HostName != "" {
		t['h'] = o.HostName
	}
	if o.HostKeyAlias != "" {
		t['k'] = o.HostKeyAlias
	}
	if o.Port != 0 {
		t['p'] = fmt.Sprint(o.Port)
	}
	if o.User != "" {
		t['r'] = o.User
	}
	if len(o.Jumps) > 0 {
		t['j'] = o.Jumps[len(o.Jumps)-1].Host
	}
	return t
}

// file expands the name of a file.
func (c *Config) file(name string, tokens map[byte]string) (string, error) {
	out, err := replaceTokens(name, tokens)
	if err != nil {
		return "", err
	}
	return c.path(c.variables(out)), nil
}

// variables replaces ${NAME}.
func (c *Config) variables(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if !found {
			return b.String()
		}
		if !closed {
			return b.String() + "${" + rest
		}
		b.WriteString(c.getenv(name))
		text = after
	}
}

func (c *Config) getenv(name string) string {
	if c.env.Getenv == nil {
		return ""
	}
	return c.env.Getenv(name)
}

// path resolves a leading ~ or ~account.
func (c *Config) path(name string) string {
	if name == "" || name[0] != '~' {
		return name
	}
	account, rest, _ := strings.Cut(name[1:], "/")
	home := c.env.Home
	if account != "" {
		u, err := user.Lookup(account)
		if err != nil {
			return name
		}
		home = u.HomeDir
	}
	return filepath.Join(home, rest)
}

// replaceTokens replaces %h and the like; %% is a percent sign.
func replaceTokens(text string, tokens map[byte]string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			b.WriteByte(text[i])
			continue
		}
		if i++; i == len(text) {
			return "", fmt.Errorf("%q ends in a percent sign: write %%%% for one", text)
		}
		value, ok := tokens[text[i]]
		switch {
		case text[i] == '%':
			b.WriteByte('%')
		case ok:
			b.WriteString(value)
		default:
			return "", fmt.Errorf("%q has %%%c in it, which isn't known there", text, text[i])
		}
	}
	return b.String(), nil
}
