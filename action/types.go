package action

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"thordeploy/internal/diag"
)

// typeError is what is wrong with a value, and perhaps what to try.
type typeError struct{ text, hint string }

func (e *typeError) Error() string { return e.text }

func hintOf(err error) string {
	var t *typeError
	if errors.As(err, &t) {
		return t.hint
	}
	return ""
}

func (p *Param) check(v any) error {
	if v == nil {
		return nil
	}
	if _, err := p.convert(v); err != nil {
		return &ParamError{Param: p.Name, Reason: err.Error(), Hint: hintOf(err)}
	}
	return nil
}

// convert types v as p says, the way Ansible's argument specs do.
func (p *Param) convert(v any) (any, error) {
	switch p.Type {
	case Bool:
		return toBool(v)
	case Int:
		return toInt(v)
	case Float:
		return toFloat(v)
	case Mode:
		return p.toMode(v)
	case List:
		l, err := toList(v)
		if err != nil {
			return nil, err
		}
		for _, s := range l {
			if err := p.choose(s); err != nil {
				return nil, err
			}
		}
		return l, nil
	case Dict:
		return toDict(v)
	case Raw:
		return v, nil
	case Path:
		s, err := toString(v)
		if err != nil {
			return nil, err
		}
		if strings.ContainsRune(s, 0) {
			return nil, &typeError{text: "must be a path: it holds a NUL byte"}
		}
		return s, p.choose(s)
	}
	s, err := toString(v)
	if err != nil {
		return nil, err
	}
	return s, p.choose(s)
}

func (p *Param) choose(s string) error {
	if len(p.Choices) == 0 || slices.Contains(p.Choices, s) {
		return nil
	}
	return &typeError{
		text: fmt.Sprintf("must be one of %s: %q", strings.Join(p.Choices, ", "), s),
		hint: diag.DidYouMean(s, p.Choices),
	}
}

func wrong(want string, v any) error {
	switch x := v.(type) {
	case string:
		return &typeError{text: fmt.Sprintf("must be %s: %q", want, shorten(x))}
	case map[string]any:
		return &typeError{text: "must be " + want + ", not a mapping"}
	case []any, []string:
		return &typeError{text: "must be " + want + ", not a list"}
	}
	return &typeError{text: fmt.Sprintf("must be %s: %s", want, shorten(fmt.Sprint(v)))}
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// toString gives a scalar its YAML spelling; a bool is Python's, as a user of
// Ansible knows it.
func toString(v any) (string, error) {
	switch x := v.(type) {
	case string:
		return x, nil
	case bool:
		if x {
			return "True", nil
		}
		return "False", nil
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1e16 {
			return strconv.FormatFloat(x, 'f', 1, 64), nil
		}
		return strconv.FormatFloat(x, 'g', -1, 64), nil
	}
	if n, ok := integer(v); ok {
		return strconv.FormatInt(n, 10), nil
	}
	if u, ok := v.(uint64); ok {
		return strconv.FormatUint(u, 10), nil
	}
	if s, ok := v.(fmt.Stringer); ok { // a timestamp, a marked value
		return s.String(), nil
	}
	return "", wrong("a string", v)
}

// integer gives any of Go's integers that fit.
func integer(v any) (int64, bool) {
	switch x := v.(type) {
	case int:
		return int64(x), true
	case int64:
		return x, true
	case int32:
		return int64(x), true
	case uint64:
		return int64(x), x <= math.MaxInt64
	}
	return 0, false
}

func toBool(v any) (bool, error) {
	switch x := v.(type) {
	case bool:
		return x, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(x)) {
		case "yes", "y", "on", "1", "true", "t":
			return true, nil
		case "no", "n", "off", "0", "false", "f":
			return false, nil
		}
	case float64:
		if x == 0 || x == 1 {
			return x == 1, nil
		}
	}
	if n, ok := integer(v); ok && (n == 0 || n == 1) {
		return n == 1, nil
	}
	return false, wrong("yes or no", v)
}

func toInt(v any) (int, error) {
	if n, ok := integer(v); ok {
		return int(n), nil
	}
	switch x := v.(type) {
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(x)); err == nil {
			return n, nil
		}
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int(x), nil
		}
	}
	return 0, wrong("a whole number", v)
}

func toFloat(v any) (float64, error) {
	if n, ok := integer(v); ok {
		return float64(n), nil
	}
	switch x := v.(type) {
	case float64:
		return x, nil
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(x), 64); err == nil {
			return f, nil
		}
	}
	return 0, wrong("a number", v)
}

// toList makes a list of strings; a string is split at commas, another scalar
// is a list of one.
func toList(v any) ([]string, error) {
	switch x := v.(type) {
	case []string:
		return slices.Clone(x), nil
	case []any:
		list := make([]string, 0, len(x))
		for _, item := range x {
			s, err := toString(item)
			if err != nil {
				return nil, wrong("a list of strings", item)
			}
			list = append(list, s)
		}
		return list, nil
	case string:
		list := strings.Split(x, ",")
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
		}
		return list, nil
	}
	s, err := toString(v)
	if err != nil {
		return nil, wrong("a list", v)
	}
	return []string{s}, nil
}

// toDict makes a mapping; a string is JSON, or k=v separated by commas or
// blanks.
func toDict(v any) (map[string]any, error) {
	switch x := v.(type) {
	case map[string]any:
		return x, nil
	case string:
		x = strings.TrimSpace(x)
		m := map[string]any{}
		if strings.HasPrefix(x, "{") {
			if json.Unmarshal([]byte(x), &m) == nil {
				return m, nil
			}
			return nil, wrong("a mapping", x)
		}
		for _, f := range strings.FieldsFunc(x, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
			k, val, ok := strings.Cut(f, "=")
			if !ok || k == "" {
				return nil, wrong("a mapping", x)
			}
			m[k] = val
		}
		if len(m) > 0 {
			return m, nil
		}
	}
	return nil, wrong("a mapping", v)
}

var (
	octalMode    = regexp.MustCompile(`^(?:0o)?0*([0-7]{1,4})$`)
	symbolicMode = regexp.MustCompile(`^[ugoa]*([-+=]([rwxXst]*|[ugo]))+(,[ugoa]*([-+=]([rwxXst]*|[ugo]))+)*$`)
)

// toMode makes an octal string of four digits ("0755") or a symbolic one. Choices of a
// Mode are words allowed besides ("preserve").
//
// A number has lost its spelling: YAML reads 0755 as 493, and 755 as 755 which
// is 01363. Only numbers that are a usual mode are taken; anything else is an
// error that says how to write it.
func (p *Param) toMode(v any) (string, error) {
	if n, ok := integer(v); ok {
		if usualMode(n) {
			return fmt.Sprintf("%04o", n), nil
		}
		e := &typeError{text: fmt.Sprintf("must be a mode: YAML read the number %d as decimal, which is octal %#o", n, n)}
		if text := strconv.FormatInt(n, 10); octalMode.MatchString(text) {
			e.hint = fmt.Sprintf("write it as a quoted string: \"%04s\"", text)
		} else {
			e.hint = `write it as a quoted octal string such as "0755"`
		}
		return "", e
	}
	s, ok := v.(string)
	if !ok {
		return "", wrong("a mode", v)
	}
	s = strings.TrimSpace(s)
	switch m := octalMode.FindStringSubmatch(s); {
	case m != nil:
		return fmt.Sprintf("%04s", m[1]), nil
	case slices.Contains(p.Choices, s), s != "" && symbolicMode.MatchString(s):
		return s, nil
	}
	return "", &typeError{
		text: fmt.Sprintf("must be a mode: %q", shorten(s)),
		hint: `write octal digits in quotes ("0755") or a symbolic mode ("u=rwx,go=rx")`,
	}
}

// usualMode reports whether n is a mode that people write. None of these is
// what a usual mode's digits give when they are read as decimal.
func usualMode(n int64) bool {
	switch n & 0o777 {
	case 0o400, 0o440, 0o444, 0o500, 0o550, 0o555, 0o600, 0o640, 0o644, 0o660, 0o664, 0o666,
		0o700, 0o710, 0o711, 0o750, 0o751, 0o755, 0o770, 0o775, 0o777:
		// setuid, setgid and sticky go with an executable bit.
		return n >= 0 && n <= 0o7777 && (n <= 0o777 || n&0o100 != 0)
	}
	return false
}
