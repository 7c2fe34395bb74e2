package sshconfig

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options is what ssh_config(5) and ssh's own arguments say about one host. A
// zero field was not said.
type Options struct {
	HostName string // with its tokens expanded; empty: the host's own name
	User     string
	Port     int

	IdentityFiles    []string // in order, as written but for tokens and ~
	CertificateFiles []string
	IdentitiesOnly   bool
	IdentityAgent    string   // a socket's path, "none", or empty for $SSH_AUTH_SOCK
	Authentications  []string // PreferredAuthentications, in lower case
	Refused          []string // methods of authentication that were switched off

	Jumps        []Hop // ProxyJump: the first one is reached from here
	ProxyCommand string
	ProxyAs      string // ProxyCommand as written: the same for all hosts behind one proxy

	KnownHosts       []string // UserKnownHostsFile; nil: not said
	SystemKnownHosts []string // GlobalKnownHostsFile; nil: not said
	HostKeyChecking  Checking
	HostKeyAlias     string
	HashKnownHosts   bool

	ConnectTimeout time.Duration
	Attempts       int           // ConnectionAttempts
	Keepalive      time.Duration // ServerAliveInterval; negative: never ask, which is its 0
	KeepaliveCount int           // ServerAliveCountMax

	AddressFamily string // "inet", "inet6" or empty
	BindAddress   string

	Ciphers, KeyExchanges, MACs, HostKeyAlgorithms []string // as written: a first name may begin with +, - or ^
}

// Checking is StrictHostKeyChecking.
type Checking string

// The ways of it. "ask" is Strict: nobody is asked.
const (
	Strict    Checking = "strict"
	AcceptNew Checking = "accept-new"
	Off       Checking = "off"
)

// Hop is one host of a ProxyJump.
type Hop struct {
	User, Host string // User may be empty
	Port       int    // zero: not said
}

// Note is a remark about an option that is not done here and was passed over.
type Note struct {
	Place string // file:line, or "-o"
	Text  string
}

func (n Note) String() string { return n.Place + ": " + n.Text }

// draft collects options: of a keyword said twice the first value counts, as
// for ssh, but files of identities add up.
type draft struct {
	Options
	said  map[string]bool
	notes []Note
}

func newDraft() *draft { return &draft{said: map[string]bool{}} }

func (d *draft) clone() *draft {
	c := &draft{Options: d.Options, said: map[string]bool{}, notes: slices.Clone(d.notes)}
	for k := range d.said {
		c.said[k] = true
	}
	c.IdentityFiles = slices.Clone(d.IdentityFiles)
	c.CertificateFiles = slices.Clone(d.CertificateFiles)
	c.Refused = slices.Clone(d.Refused)
	return c
}

// once reports whether key is said for the first time.
func (d *draft) once(key string) bool {
	if d.said[key] {
		return false
	}
	d.said[key] = true
	return true
}

func (d *draft) note(place, format string, args ...any) {
	d.notes = append(d.notes, Note{place, fmt.Sprintf(format, args...)})
}

// line is one keyword with its value, as split and as written.
type line struct {
	place string
	key   string // in lower case
	name  string // as written
	words []string
	raw   string // the value without quotes taken away
}

func (l line) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %s %s", l.place, l.name, fmt.Sprintf(format, args...))
}

// word is the one value of most keywords.
func (l line) word() (string, error) {
	switch len(l.words) {
	case 1:
		return l.words[0], nil
	case 0:
		return "", l.errorf("has no value")
	}
	return "", l.errorf("takes one value, and there are %d", len(l.words))
}

// set takes one keyword.
func (d *draft) set(l line) error {
	if f, ok := lists[l.key]; ok {
		if len(l.words) == 0 {
			return l.errorf("has no value")
		}
		if d.once(l.key) || l.key == "identityfile" || l.key == "certificatefile" {
			f(&d.Options, l.words)
		}
		return nil
	}
	if f, ok := single[l.key]; ok {
		value, err := l.word()
		if err != nil {
			return err
		}
		if problem := d.single(l.key, f, value); problem != "" {
			return l.errorf("%s", problem)
		}
		return nil
	}
	switch {
	case l.key == "proxycommand":
		return d.proxyCommand(l)
	case refusable[l.key] != "":
		return d.method(l)
	}
	return d.undone(l)
}

// single takes a keyword of one value. Proxy keywords exclude each other: the
// first one counts.
func (d *draft) single(key string, f func(*Options, string) string, value string) string {
	trial := d.Options
	if problem := f(&trial, value); problem != "" {
		return problem
	}
	if key == "proxyjump" {
		if !d.once("proxy") {
			return ""
		}
	} else if !d.once(key) {
		return ""
	}
	d.Options = trial
	return ""
}

func (d *draft) proxyCommand(l line) error {
	if strings.TrimSpace(l.raw) == "" {
		return l.errorf("has no value")
	}
	if d.once("proxy") && !strings.EqualFold(l.raw, "none") {
		d.ProxyCommand, d.ProxyAs = l.raw, l.raw
	}
	return nil
}

// refusable are the keywords that switch a method of authentication off.
var refusable = map[string]string{
	"pubkeyauthentication": "publickey", "passwordauthentication": "password",
	"kbdinteractiveauthentication": "keyboard-interactive", "challengeresponseauthentication": "keyboard-interactive",
}

func (d *draft) method(l line) error {
	value, err := l.word()
	if err != nil {
		return err
	}
	name := refusable[l.key]
	if d.once(name) && falsehood(value) {
		d.Refused = append(d.Refused, name)
	}
	return nil
}

func falsehood(value string) bool {
	v := strings.ToLower(value)
	return v == "no" || v == "false"
}

// lists are the keywords whose values are several words.
var lists = map[string]func(*Options, []string){
	"identityfile":         func(o *Options, w []string) { o.IdentityFiles = append(o.IdentityFiles, w...) },
	"certificatefile":      func(o *Options, w []string) { o.CertificateFiles = append(o.CertificateFiles, w...) },
	"userknownhostsfile":   func(o *Options, w []string) { o.KnownHosts = w },
	"globalknownhostsfile": func(o *Options, w []string) { o.SystemKnownHosts = w },
}

// single are the keywords of one value. They return what is wrong with it.
var single = map[string]func(*Options, string) string{
	"hostname":      func(o *Options, v string) string { o.HostName = v; return "" },
	"user":          func(o *Options, v string) string { o.User = v; return "" },
	"hostkeyalias":  func(o *Options, v string) string { o.HostKeyAlias = v; return "" },
	"identityagent": func(o *Options, v string) string { o.IdentityAgent = v; return "" },
	"bindaddress":   func(o *Options, v string) string { o.BindAddress = v; return "" },
	"port": func(o *Options, v string) (problem string) {
		o.Port, problem = number(v, 1, 65535, "a port")
		return problem
	},
	"connectionattempts": func(o *Options, v string) (problem string) {
		o.Attempts, problem = number(v, 1, 1000, "a number of attempts")
		return problem
	},
	"serveralivecountmax": func(o *Options, v string) (problem string) {
		o.KeepaliveCount, problem = number(v, 1, 1<<20, "a number of questions")
		return problem
	},
	"connecttimeout": func(o *Options, v string) (problem string) {
		if strings.EqualFold(v, "none") {
			return ""
		}
		o.ConnectTimeout, problem = span(v)
		return problem
	},
	"serveraliveinterval": func(o *Options, v string) (problem string) {
		if o.Keepalive, problem = span(v); o.Keepalive == 0 {
			o.Keepalive = -1
		}
		return problem
	},
	"identitiesonly": func(o *Options, v string) string { o.IdentitiesOnly = !falsehood(v); return "" },
	"hashknownhosts": func(o *Options, v string) string { o.HashKnownHosts = !falsehood(v); return "" },
	"preferredauthentications": func(o *Options, v string) string {
		o.Authentications = strings.Split(strings.ToLower(v), ",")
		return ""
	},
	"addressfamily": func(o *Options, v string) string {
		switch v = strings.ToLower(v); v {
		case "any":
		case "inet", "inet6":
			o.AddressFamily = v
		default:
			return fmt.Sprintf("is %q: write any, inet or inet6", v)
		}
		return ""
	},
	"stricthostkeychecking": func(o *Options, v string) string {
		how, ok := checkings[strings.ToLower(v)]
		if !ok {
			return fmt.Sprintf("is %q: write yes, accept-new or no", v)
		}
		o.HostKeyChecking = how
		return ""
	},
	"proxyjump": func(o *Options, v string) (problem string) {
		o.Jumps, problem = hops(v)
		return problem
	},
	"ciphers":           func(o *Options, v string) string { o.Ciphers = names(v); return "" },
	"kexalgorithms":     func(o *Options, v string) string { o.KeyExchanges = names(v); return "" },
	"macs":              func(o *Options, v string) string { o.MACs = names(v); return "" },
	"hostkeyalgorithms": func(o *Options, v string) string { o.HostKeyAlgorithms = names(v); return "" },
}

var checkings = map[string]Checking{
	"yes": Strict, "true": Strict, "ask": Strict,
	"accept-new": AcceptNew,
	"no":         Off, "false": Off, "off": Off,
}

func names(v string) []string { return strings.Split(v, ",") }

func number(v string, least, most int, what string) (int, string) {
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return 0, fmt.Sprintf("is %q, which is not %s", v, what)
	}
	return n, ""
}

// span reads a time as sshd_config(5) has it: seconds, or 1h30m and the like.
func span(v string) (time.Duration, string) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	total, rest := time.Duration(0), strings.ToLower(v)
	for rest != "" {
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		digits, unit := rest, time.Second
		if i >= 0 {
			digits = rest[:i]
			if unit = units[rest[i]]; unit == 0 {
				digits = ""
			}
			rest = rest[i+1:]
		} else {
			rest = ""
		}
		n, err := strconv.ParseUint(digits, 10, 20)
		if err != nil {
			return 0, fmt.Sprintf("is %q, which is not a number of seconds", v)
		}
		total += time.Duration(n) * unit
	}
	if v == "" || total > 365*24*time.Hour {
		return 0, fmt.Sprintf("is %q, which is not a number of seconds", v)
	}
	return total, ""
}

// hops reads the value of ProxyJump.
func hops(v string) ([]Hop, string) {
	if strings.EqualFold(v, "none") {
		return nil, ""
	}
	var list []Hop
	for _, text := range strings.Split(v, ",") {
		h, ok := parseHop(strings.TrimSpace(text))
		if !ok {
			return nil, fmt.Sprintf("has the hop %q: write [user@]host[:port], several with a comma", text)
		}
		list = append(list, h)
	}
	return list, ""
}

// parseHop reads [user@]host[:port] or ssh://[user@]host[:port].
func parseHop(text string) (Hop, bool) {
	var h Hop
	text = strings.TrimSuffix(strings.TrimPrefix(text, "ssh://"), "/")
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		h.User, text = text[:i], text[i+1:]
		if h.User == "" {
			return h, false
		}
	}
	port := ""
	if rest, found := strings.CutPrefix(text, "["); found {
		host, after, closed := strings.Cut(rest, "]")
		if !closed || after != "" && after[0] != ':' {
			return h, false
		}
		h.Host, port = host, strings.TrimPrefix(after, ":")
		if after == ":" {
			return h, false
		}
	} else if strings.Count(text, ":") == 1 {
		h.Host, port, _ = strings.Cut(text, ":")
		if port == "" {
			return h, false
		}
	} else {
		h.Host = text // a bare IPv6 address, or no port
	}
	if port != "" {
		var problem string
		if h.Port, problem = number(port, 1, 65535, "a port"); problem != "" {
			return h, false
		}
	}
	return h, h.Host != "" && h.Host[0] != '-' && !strings.ContainsAny(h.Host+h.User, " \t\x00/")
}
