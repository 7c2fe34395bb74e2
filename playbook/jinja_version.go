package playbook

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// versionTest compares as Python's LooseVersion, Ansible's default: digits and
// letters are parts of their own, dots separate, and what is longer is later.
func versionTest(_ *evaluation, in any, a arguments) (bool, error) {
	if a.flag(2, false) {
		return false, fmt.Errorf("`strict` is not supported yet")
	}
	compare := func(x, y string) (int, error) { return order(versionParts(x), versionParts(y)) }
	switch kind := a.text(3, "loose"); kind {
	case "loose", "strict":
	case "semver", "semantic":
		compare = semverOrder
	default:
		return false, fmt.Errorf("version_type must be loose, strict or semver here, not `%s`", kind)
	}
	c, err := compare(toText(in), a.text(0, ""))
	if err != nil {
		return false, fmt.Errorf("version %q can't be compared with %q: a number meets a word", toText(in), a.text(0, ""))
	}
	switch op := a.text(1, "=="); op {
	case "==", "=", "eq":
		return c == 0, nil
	case "!=", "<>", "ne":
		return c != 0, nil
	case "<", "lt":
		return c < 0, nil
	case "<=", "le":
		return c <= 0, nil
	case ">", "gt":
		return c > 0, nil
	case ">=", "ge":
		return c >= 0, nil
	default:
		return false, fmt.Errorf("unknown operator `%s`: one of == != < <= > >=", op)
	}
}

var versionPart = regexp.MustCompile(`\d+|[a-z]+|[^\da-z.]+`)

func versionParts(s string) []any {
	parts := []any{}
	for _, p := range versionPart.FindAllString(s, -1) {
		if n, err := strconv.Atoi(p); err == nil {
			parts = append(parts, n)
			continue
		}
		parts = append(parts, p)
	}
	return parts
}

// semverOrder compares as semver.org has it: a pre-release comes before its
// release, and what follows a plus doesn't count.
func semverOrder(x, y string) (int, error) {
	split := func(s string) (core, pre string) {
		s, _, _ = strings.Cut(s, "+")
		core, pre, _ = strings.Cut(s, "-")
		return core, pre
	}
	xCore, xPre := split(x)
	yCore, yPre := split(y)
	c, err := order(versionParts(xCore), versionParts(yCore))
	if c != 0 || err != nil {
		return c, err
	}
	if (xPre == "") != (yPre == "") {
		return sign(yPre == "", xPre == ""), nil
	}
	xs, ys := strings.Split(xPre, "."), strings.Split(yPre, ".")
	for i := 0; i < len(xs) && i < len(ys); i++ {
		a, aErr := strconv.Atoi(xs[i])
		b, bErr := strconv.Atoi(ys[i])
		switch {
		case aErr == nil && bErr == nil:
			c = sign(a < b, a > b)
		case (aErr == nil) != (bErr == nil):
			c = sign(aErr == nil, bErr == nil) // numbers come before words
		default:
			c = strings.Compare(xs[i], ys[i])
		}
		if c != 0 {
			return c, nil
		}
	}
	return sign(len(xs) < len(ys), len(xs) > len(ys)), nil
}
