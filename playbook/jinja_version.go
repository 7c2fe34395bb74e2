package playbook

import (
	"fmt"
	"regexp"
	"strconv"
)

// versionTest compares as Python's LooseVersion, Ansible's default: digits and
// letters are parts of their own, dots separate, and what is longer is later.
func versionTest(_ *evaluation, in any, a arguments) (bool, error) {
	if a.flag(2, false) {
		return false, fmt.Errorf("`strict` is not supported yet")
	}
	c, err := order(versionParts(toText(in)), versionParts(a.text(0, "")))
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
