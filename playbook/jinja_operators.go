package playbook

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

var (
	errTooLarge = errors.New("the number is too large")
	errByZero   = errors.New("division by zero")
)

// compare applies a comparison operator by its text.
func compare(op string, a, b any) (bool, error) {
	switch op {
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	case "in", "not in":
		found, err := contains(b, a)
		return found == (op == "in"), err
	}
	c, err := order(a, b)
	if err != nil {
		return false, err
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

// contains is `item in holder`.
func contains(holder, item any) (bool, error) {
	switch h := plain(holder).(type) {
	case string:
		s, ok := plain(item).(string)
		if !ok {
			return false, fmt.Errorf("`in` needs a string to look for in a string, not %s", kindOf(item))
		}
		return strings.Contains(h, s), nil
	case []any:
		for _, v := range h {
			if _, missing := v.(*undefined); !missing && equal(v, item) {
				return true, nil
			}
		}
		return false, nil
	case *dict:
		_, ok := h.get(toText(item))
		return ok, nil
	}
	return false, fmt.Errorf("`in` needs a list, a mapping or a string to look in, not %s", kindOf(holder))
}

// operate applies a binary operator with Python's meaning.
func operate(ev *evaluation, op tokens.Type, a, b any) (any, error) {
	if err := ev.step(); err != nil {
		return nil, err
	}
	a, b = plain(a), plain(b)
	if from, ok := a.(moment); ok && op == tokens.Subtraction {
		if to, ok := b.(moment); ok {
			return span{from.Sub(to.Time)}, nil
		}
	}
	switch op {
	case tokens.Tilde:
		l, r := pythonText(a), pythonText(b)
		return l + r, ev.spend(len(l) + len(r))
	case tokens.Addition:
		if v, ok, err := join(ev, a, b); ok {
			return v, err
		}
	case tokens.Multiply:
		if v, ok, err := repeat(ev, a, b); ok {
			return v, err
		}
	case tokens.Modulo:
		if format, ok := a.(string); ok {
			return printf(ev, format, b)
		}
	}
	x, xf, xFloat, xNum := number(a)
	y, yf, yFloat, yNum := number(b)
	if !xNum || !yNum {
		return nil, fmt.Errorf("`%s` can't be used on %s and %s", symbols[op], kindOf(a), kindOf(b))
	}
	if xFloat || yFloat || op == tokens.Division {
		return floatMath(op, xf, yf)
	}
	return intMath(op, x, y)
}

var symbols = map[tokens.Type]string{
	tokens.Addition: "+", tokens.Subtraction: "-", tokens.Multiply: "*", tokens.Division: "/",
	tokens.FloorDivision: "//", tokens.Modulo: "%", tokens.Power: "**",
}

func join(ev *evaluation, a, b any) (any, bool, error) {
	switch l := a.(type) {
	case string:
		if r, ok := b.(string); ok {
			if err := ev.spend(len(l) + len(r)); err != nil {
				return nil, true, err
			}
			return l + r, true, nil
		}
	case []any:
		if r, ok := b.([]any); ok {
			if err := ev.work(len(l) + len(r)); err != nil {
				return nil, true, err
			}
			out := make([]any, 0, len(l)+len(r))
			return append(append(out, l...), r...), true, nil
		}
	}
	return nil, false, nil
}

func repeat(ev *evaluation, a, b any) (any, bool, error) {
	if n, _, f, ok := number(a); ok && !f {
		if _, _, _, num := number(b); !num {
			return repeatBy(ev, b, n)
		}
	}
	if n, _, f, ok := number(b); ok && !f {
		return repeatBy(ev, a, n)
	}
	return nil, false, nil
}

func repeatBy(ev *evaluation, v any, n int) (any, bool, error) {
	n = max(0, n)
	switch v := v.(type) {
	case string:
		if len(v) > 0 && n > maxOutput/len(v) {
			return nil, true, ev.spend(maxOutput + 1)
		}
		if err := ev.spend(len(v) * n); err != nil {
			return nil, true, err
		}
		return strings.Repeat(v, n), true, nil
	case []any:
		if len(v) > 0 && n > maxSteps/len(v) {
			return nil, true, ev.work(maxSteps + 1)
		}
		if err := ev.work(len(v) * n); err != nil {
			return nil, true, err
		}
		out := make([]any, 0, len(v)*n)
		for range n {
			out = append(out, v...)
		}
		return out, true, nil
	}
	return nil, false, nil
}

func intMath(op tokens.Type, x, y int) (any, error) {
	switch op {
	case tokens.Addition:
		if s := x + y; (s > x) == (y > 0) {
			return s, nil
		}
		return nil, errTooLarge
	case tokens.Subtraction:
		if d := x - y; (d < x) == (y > 0) {
			return d, nil
		}
		return nil, errTooLarge
	case tokens.Multiply:
		return product(x, y)
	case tokens.FloorDivision, tokens.Modulo:
		if y == 0 {
			return nil, errByZero
		}
		if y == -1 { // the lowest int has no positive twin
			if op == tokens.Modulo {
				return 0, nil
			}
			return intMath(tokens.Subtraction, 0, x)
		}
		q, r := x/y, x%y
		if r != 0 && (r < 0) != (y < 0) { // Python rounds down, Go towards zero
			q, r = q-1, r+y
		}
		if op == tokens.Modulo {
			return r, nil
		}
		return q, nil
	case tokens.Power:
		return power(x, y)
	}
	return nil, fmt.Errorf("unknown operator")
}

func product(x, y int) (any, error) {
	if x == 0 || y == 0 {
		return 0, nil
	}
	p := x * y
	if p/y != x || x == -1 && y == math.MinInt || y == -1 && x == math.MinInt {
		return nil, errTooLarge
	}
	return p, nil
}

func power(x, y int) (any, error) {
	if y < 0 {
		return floatMath(tokens.Power, float64(x), float64(y))
	}
	switch x {
	case 0, 1:
		if y == 0 {
			return 1, nil
		}
		return x, nil
	case -1:
		return 1 - 2*(y%2), nil
	}
	var out any = 1
	for range y {
		var err error
		if out, err = product(out.(int), x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func floatMath(op tokens.Type, x, y float64) (any, error) {
	switch op {
	case tokens.Addition:
		return x + y, nil
	case tokens.Subtraction:
		return x - y, nil
	case tokens.Multiply:
		return x * y, nil
	case tokens.Power:
		if x == 0 && y < 0 {
			return nil, errByZero
		}
		return math.Pow(x, y), nil
	}
	if y == 0 {
		return nil, errByZero
	}
	switch op {
	case tokens.Division:
		return x / y, nil
	case tokens.FloorDivision:
		return math.Floor(x / y), nil
	}
	r := math.Mod(x, y)
	if r != 0 && (r < 0) != (y < 0) {
		r += y
	}
	return r, nil
}

func signOf(v any, negative bool) (any, error) {
	i, f, isFloat, ok := number(plain(v))
	switch {
	case !ok:
		return nil, fmt.Errorf("a sign needs a number, not %s", kindOf(v))
	case isFloat && negative:
		return -f, nil
	case isFloat:
		return f, nil
	case negative:
		return intMath(tokens.Subtraction, 0, i)
	}
	return i, nil
}

// printf is Python's "%s" % value for the directives that playbooks use.
func printf(ev *evaluation, format string, v any) (any, error) {
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	var b strings.Builder
	used := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		end := i + 1
		for end < len(format) && strings.IndexByte("-+ #0123456789.", format[end]) >= 0 {
			end++
		}
		if end == len(format) {
			return nil, fmt.Errorf("the format ends inside a `%%` directive")
		}
		flags, verb := format[i+1:end], format[end]
		i = end
		if verb == '%' {
			b.WriteByte('%')
			continue
		}
		if used == len(values) {
			return nil, fmt.Errorf("the format needs more values than the %d given", len(values))
		}
		s, err := directive(flags, verb, values[used])
		if err != nil {
			return nil, err
		}
		if err := ev.spend(len(s)); err != nil {
			return nil, err
		}
		b.WriteString(s)
		used++
	}
	if used < len(values) && !(len(values) == 1 && kindOf(values[0]) == "a mapping") {
		return nil, fmt.Errorf("the format uses %d of %d values", used, len(values))
	}
	return b.String(), nil
}

func directive(flags string, verb byte, v any) (string, error) {
	if len(flags) > 6 {
		return "", fmt.Errorf("`%%%s%c` is too wide", flags, verb)
	}
	if u, ok := v.(*undefined); ok {
		return "", u.fault
	}
	switch verb {
	case 's':
		return fmt.Sprintf("%"+flags+"s", pythonText(v)), nil
	case 'r':
		var b strings.Builder
		repr(&b, v)
		return fmt.Sprintf("%"+flags+"s", b.String()), nil
	case 'd', 'i', 'x', 'X', 'o':
		i, f, isFloat, ok := number(plain(v))
		if !ok {
			return "", fmt.Errorf("`%%%c` needs a number, not %s", verb, kindOf(v))
		}
		if isFloat {
			i = int(f)
		}
		if verb == 'i' {
			verb = 'd'
		}
		return fmt.Sprintf("%"+flags+string(verb), i), nil
	case 'f', 'F', 'e', 'E', 'g', 'G':
		_, f, _, ok := number(plain(v))
		if !ok {
			return "", fmt.Errorf("`%%%c` needs a number, not %s", verb, kindOf(v))
		}
		return fmt.Sprintf("%"+flags+string(verb), f), nil
	}
	return "", fmt.Errorf("unknown format directive `%%%c`", verb)
}
