package playbook

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Filters and tests that look at the controller's files: a path in them is the
// controller's, never the host's.

// expandHome is Python's os.path.expanduser.
func expandHome(c Controller, name string) string {
	if !strings.HasPrefix(name, "~") || c == nil {
		return name
	}
	account, rest, slash := strings.Cut(name[1:], "/")
	home, ok := c.Home(account)
	if !ok {
		return name
	}
	if slash {
		return strings.TrimRight(home, "/") + "/" + rest
	}
	return home
}

func expanduserFilter(ev *evaluation, in any, _ arguments) (any, error) {
	c, err := ev.reach()
	return expandHome(c, pythonText(in)), err
}

// expandvarsFilter puts the environment's $NAME and ${NAME} into a text.
func expandvarsFilter(ev *evaluation, in any, _ arguments) (any, error) {
	c, err := ev.reach()
	if err != nil {
		return nil, err
	}
	out := envName.ReplaceAllStringFunc(pythonText(in), func(ref string) string {
		if v, ok := c.Env(strings.Trim(ref, "${}")); ok {
			return v
		}
		return ref
	})
	return out, ev.spend(len(out))
}

func realpathFilter(ev *evaluation, in any, _ arguments) (any, error) {
	c, err := ev.reach()
	if err != nil {
		return nil, err
	}
	return c.RealPath(pythonText(in)), nil
}

// fileGlobFilter is `pattern | fileglob`: the files of the controller that it
// names.
func fileGlobFilter(ev *evaluation, in any, _ arguments) (any, error) {
	c, err := ev.reach()
	if err != nil {
		return nil, err
	}
	found, err := c.Glob(pythonText(in))
	out := []any{}
	for _, f := range found {
		if info, err := c.Stat(f); err == nil && info.Mode().IsRegular() {
			out = append(out, f)
		}
	}
	return out, errors.Join(err, ev.work(len(found)))
}

// onFile makes a test of a path on the controller; one that isn't there fails
// it.
func onFile(link bool, f func(fs.FileInfo) bool) func(*evaluation, any, arguments) (bool, error) {
	return func(ev *evaluation, in any, _ arguments) (bool, error) {
		c, err := ev.reach()
		if err != nil {
			return false, err
		}
		look := c.Stat
		if link {
			look = c.Lstat
		}
		info, err := look(toText(in))
		return err == nil && f(info), nil
	}
}

func sameFileTest(ev *evaluation, in any, a arguments) (bool, error) {
	c, err := ev.reach()
	if err != nil {
		return false, err
	}
	return c.RealPath(toText(in)) == c.RealPath(a.text(0, "")), nil
}

// mountTest is whether a path lies on another file system than its parent.
func mountTest(ev *evaluation, in any, _ arguments) (bool, error) {
	c, err := ev.reach()
	if err != nil {
		return false, err
	}
	real := c.RealPath(toText(in))
	data, err := c.ReadFile("/proc/self/mounts")
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 1 && mountUnescape.Replace(fields[1]) == real {
			return true, nil
		}
	}
	return false, nil
}

var mountUnescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// relpathFilter is the way from a folder to a path.
func relpathFilter(ev *evaluation, in any, a arguments) (any, error) {
	c, err := ev.reach()
	if err != nil {
		return nil, err
	}
	to, from := strings.Split(absolute(c, pythonText(in)), "/"), strings.Split(absolute(c, a.text(0, ".")), "/")
	to, from = nonEmpty(to), nonEmpty(from)
	same := 0
	for same < len(to) && same < len(from) && to[same] == from[same] {
		same++
	}
	out := path.Join(strings.Repeat("../", len(from)-same), strings.Join(to[same:], "/"))
	if out == "" {
		out = "."
	}
	return out, nil
}

func nonEmpty(words []string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

// absolute is a path from the root, links not followed.
func absolute(c Controller, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(c.RealPath("."), name)
}

var envName = regexp.MustCompile(`\$(?:\w+|\{[^}]*\})`)
