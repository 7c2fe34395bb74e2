package inventory

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Connection is what a host's variables say about reaching it. A zero field
// was not said: the command line or a default decides.
type Connection struct {
	Kind     string // "ssh" or "local"; never empty
	Address  string // ansible_host, or the host's name; never empty
	Port     int
	User     string
	Password string
	KeyFile  string // as written: a leading ~ and a relative path are the caller's to resolve

	HostKeyChecking *bool
	Timeout         time.Duration // for connecting

	Retries *int // how often more to try a host that can't be reached

	SSHArgs    string // ansible_ssh_args, as written
	CommonArgs string // ansible_ssh_common_args, as written
	ExtraArgs  string // ansible_ssh_extra_args, as written

	Become Become
}

// Become is what a host's variables say about becoming another account.
type Become struct {
	Enabled  *bool
	Method   string // "sudo", "su", "doas", "none"
	User     string
	Password string
	Exe      string // the method's program
	Flags    string // its arguments, as written
}

// String leaves passwords out.
func (c Connection) String() string {
	return fmt.Sprintf("%s %s@%s port %d", c.Kind, c.User, c.Address, c.Port)
}

// GoString leaves passwords out.
func (c Connection) GoString() string { return c.String() }

// String leaves the password out.
func (b Become) String() string { return strings.TrimSpace(b.Method + " " + b.User) }

// GoString leaves the password out.
func (b Become) GoString() string { return b.String() }

// The variables and their older names. Of two names that are both set the
// first one counts; the order is that of ansible-core's constants.
var (
	hostNames     = []string{"ansible_ssh_host", "ansible_host"}
	portNames     = []string{"ansible_ssh_port", "ansible_port"}
	userNames     = []string{"ansible_ssh_user", "ansible_user"}
	passwordNames = []string{"ansible_ssh_pass", "ansible_ssh_password", "ansible_password"}
	keyNames      = []string{"ansible_ssh_private_key_file", "ansible_private_key_file"}
	kindNames     = []string{"ansible_connection"}
	checkNames    = []string{"ansible_ssh_host_key_checking", "ansible_host_key_checking"}
	timeoutNames  = []string{"ansible_ssh_timeout", "ansible_timeout"}
	retryNames    = []string{"ansible_ssh_retries"}
	sshArgsNames  = []string{"ansible_ssh_args"}
	commonNames   = []string{"ansible_ssh_common_args"}
	extraNames    = []string{"ansible_ssh_extra_args"}

	becomeNames       = []string{"ansible_become", "ansible_sudo", "ansible_su"}
	becomeMethodNames = []string{"ansible_become_method"}
	becomeUserNames   = []string{"ansible_become_user", "ansible_sudo_user", "ansible_su_user"}
	becomePassNames   = []string{"ansible_become_password", "ansible_become_pass", "ansible_sudo_pass", "ansible_sudo_password", "ansible_su_pass", "ansible_su_password"}
	becomeExeNames    = []string{"ansible_become_exe", "ansible_sudo_exe", "ansible_su_exe", "ansible_doas_exe"}
	becomeFlagsNames  = []string{"ansible_become_flags", "ansible_sudo_flags", "ansible_su_flags", "ansible_doas_flags"}
)

// secretVars are the variables whose values are passwords: text, whatever they
// look like, and never shown.
var secretVars = func() map[string]bool {
	m := map[string]bool{}
	for _, names := range [][]string{passwordNames, becomePassNames} {
		for _, n := range names {
			m[n] = true
		}
	}
	return m
}()

// ConnectionVars lists every variable that [ConnectionOf] reads, so that a
// caller need evaluate no others.
func ConnectionVars() []string {
	var all []string
	for _, names := range [][]string{
		hostNames, portNames, userNames, passwordNames, keyNames, kindNames, checkNames, timeoutNames, retryNames,
		sshArgsNames, commonNames, extraNames,
		becomeNames, becomeMethodNames, becomeUserNames, becomePassNames, becomeExeNames, becomeFlagsNames,
	} {
		all = append(all, names...)
	}
	return all
}

// Connection is the typed view of h's variables. It is an error where one that
// matters holds a template (`{{ }}`): evaluate the variables and use
// [ConnectionOf] then.
func (h *Host) Connection() (Connection, error) {
	for _, name := range ConnectionVars() {
		if text, ok := h.Vars[name].(string); ok && strings.Contains(text, "{{") {
			return Connection{}, &VarError{Host: h.Name, Name: name, Reason: "holds a template that is not evaluated yet"}
		}
	}
	return ConnectionOf(h.Name, h.Vars)
}

// VarError is a connection variable that makes no sense. It never shows the
// value of a password.
type VarError struct {
	Host   string
	Name   string // the variable
	Reason string
	Hint   string
}

func (e *VarError) Error() string {
	s := "host " + e.Host + ": " + e.Name + " " + e.Reason
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// ConnectionOf is the typed view of evaluated variables of the host of that
// name. Errors are of type [*VarError] and name host and variable.
func ConnectionOf(host string, vars map[string]any) (Connection, error) {
	r := &varReader{host: host, vars: vars}
	c := Connection{
		Address:         r.text(hostNames),
		Port:            r.port(),
		User:            r.text(userNames),
		Password:        r.text(passwordNames),
		KeyFile:         r.text(keyNames),
		HostKeyChecking: r.boolean(checkNames),
		Timeout:         r.seconds(timeoutNames),
		Retries:         r.count(retryNames),
		SSHArgs:         r.text(sshArgsNames),
		CommonArgs:      r.text(commonNames),
		ExtraArgs:       r.text(extraNames),
		Become: Become{
			Enabled:  r.boolean(becomeNames),
			Method:   r.method(),
			User:     r.text(becomeUserNames),
			Password: r.text(becomePassNames),
			Exe:      r.text(r.ofMethod(becomeExeNames)),
			Flags:    r.text(r.ofMethod(becomeFlagsNames)),
		},
	}
	c.Kind = r.kind()
	if c.Address == "" {
		c.Address = host
		// `root@web1` as a host's name is ssh's own spelling of account and address.
		if user, addr, ok := strings.Cut(host, "@"); ok && user != "" && addr != "" {
			c.Address = addr
			if c.User == "" {
				c.User = user
			}
		}
	}
	if problem, hint := checkAddress(c.Address); problem != "" {
		r.fail(r.nameOf(hostNames), problem, hint)
	}
	if r.err != nil {
		return Connection{}, r.err
	}
	return c, nil
}

// checkAddress refuses what would be taken for an option, or be no address.
func checkAddress(a string) (problem, hint string) {
	if p, _ := checkName(a); p != "" {
		return "is not a name or an address: " + p, "write a host name, an IPv4 or an IPv6 address; the port goes into ansible_port"
	}
	return "", ""
}

// varReader reads variables and keeps the first problem.
type varReader struct {
	host string
	vars map[string]any
	err  error
}

func (r *varReader) fail(name, reason, hint string) {
	if r.err == nil {
		r.err = &VarError{Host: r.host, Name: name, Reason: reason, Hint: hint}
	}
}

// find gives the first of names that is set; null and "" are as good as unset.
func (r *varReader) find(names []string) (string, any) {
	for _, n := range names {
		if v, ok := r.vars[n]; ok && v != nil && v != "" {
			return n, v
		}
	}
	return "", nil
}

func (r *varReader) nameOf(names []string) string {
	if n, _ := r.find(names); n != "" {
		return n
	}
	return names[len(names)-1]
}

func (r *varReader) text(names []string) string {
	name, v := r.find(names)
	switch v := v.(type) {
	case nil:
	case string:
		if strings.ContainsRune(v, 0) {
			r.fail(name, "has a NUL byte in it", "")
		}
		return v
	case int, float64:
		return fmt.Sprint(v)
	default:
		r.fail(name, fmt.Sprintf("is a %s where text is due", kindOf(v)), "")
	}
	return ""
}

func kindOf(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case []any:
		return "list"
	case map[string]any:
		return "mapping"
	}
	return "value of an unknown type"
}

func (r *varReader) port() int {
	name, v := r.find(portNames)
	if v == nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(fmt.Sprint(v)), 10, 16)
	if err != nil || n == 0 {
		r.fail(name, fmt.Sprintf("is %q, which is not a port", fmt.Sprint(v)), "a port is a number from 1 to 65535")
	}
	return int(n)
}

func (r *varReader) count(names []string) *int {
	name, v := r.find(names)
	if v == nil {
		return nil
	}
	n, err := strconv.ParseUint(strings.TrimSpace(fmt.Sprint(v)), 10, 10)
	if err != nil {
		r.fail(name, fmt.Sprintf("is %q, which is not a number of attempts", fmt.Sprint(v)), "write a number from 0 to 1023")
	}
	count := int(n)
	return &count
}

func (r *varReader) seconds(names []string) time.Duration {
	name, v := r.find(names)
	if v == nil {
		return 0
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(v)), 64)
	if err != nil || math.IsNaN(n) || n <= 0 || n > 86400 {
		r.fail(name, fmt.Sprintf("is %q, which is not a time", fmt.Sprint(v)), "write seconds, from 1 to 86400")
		return 0
	}
	return time.Duration(n * float64(time.Second))
}

func (r *varReader) boolean(names []string) *bool {
	name, v := r.find(names)
	if v == nil {
		return nil
	}
	b, known := truths[strings.ToLower(strings.TrimSpace(fmt.Sprint(v)))]
	if !known {
		r.fail(name, fmt.Sprintf("is %q, which is neither true nor false", fmt.Sprint(v)), "write true or false")
	}
	return &b
}

// truths are the words that ansible-core takes for a boolean.
var truths = map[string]bool{
	"true": true, "yes": true, "on": true, "1": true, "t": true, "y": true,
	"false": false, "no": false, "off": false, "0": false, "f": false, "n": false,
}

func (r *varReader) kind() string {
	name, v := r.find(kindNames)
	if v == nil {
		return "ssh"
	}
	text := fmt.Sprint(v)
	switch text[strings.LastIndexByte(text, '.')+1:] {
	case "ssh", "smart", "paramiko", "paramiko_ssh":
		return "ssh"
	case "local":
		return "local"
	}
	r.fail(name, fmt.Sprintf("is %q, which isn't done here", text), "use ssh or local")
	return ""
}

// ofMethod leaves out of names those of another method than the one that is set.
func (r *varReader) ofMethod(names []string) []string {
	m := r.method()
	if m == "" {
		return names
	}
	return []string{names[0], strings.Replace(names[0], "become", m, 1)}
}

func (r *varReader) method() string {
	name, v := r.find(becomeMethodNames)
	if v == nil {
		// The old names say the method too.
		for _, old := range []string{"sudo", "su"} {
			if n, _ := r.find([]string{"ansible_" + old, "ansible_" + old + "_user", "ansible_" + old + "_pass"}); n != "" {
				return old
			}
		}
		return ""
	}
	text := fmt.Sprint(v)
	switch m := text[strings.LastIndexByte(text, '.')+1:]; m {
	case "sudo", "su", "doas", "none":
		return m
	}
	r.fail(name, fmt.Sprintf("is %q, which isn't done here", text), "use sudo, su, doas or none")
	return ""
}
