package playbook

import (
	"math"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// count reads a whole number that isn't negative, or a template for one. want
// says what it counts.
func (ld *loader) count(f pair, want string) *Value {
	return ld.number(f, want, counts)
}

// counts reports a whole number that isn't negative.
func counts(c any) bool {
	_, isBool := c.(bool)
	n, ok := wholeNumber(c)
	return ok && n >= 0 && !isBool
}

// seconds reads a number of seconds, perhaps with a fraction.
func (ld *loader) seconds(f pair) *Value {
	return ld.number(f, "a number of seconds", func(c any) bool {
		x, ok := realNumber(c)
		return ok && x >= 0 && !math.IsInf(x, 0)
	})
}

// percent reads 30, 30.5 or "30%".
func (ld *loader) percent(f pair) *Value {
	return ld.number(f, "a percentage", func(c any) bool {
		if s, ok := c.(string); ok {
			c = strings.TrimSuffix(strings.TrimSpace(s), "%")
		}
		x, ok := realNumber(c)
		return ok && x >= 0 && x <= 100
	})
}

// share reads a batch of hosts: 3, or "30%".
func (ld *loader) share(f pair) *Value {
	return ld.number(f, "a number of hosts or a percentage of them", func(c any) bool {
		if s, ok := c.(string); ok {
			if p, isPercent := strings.CutSuffix(strings.TrimSpace(s), "%"); isPercent {
				x, ok := realNumber(p)
				return ok && x >= 0 && x <= 100
			}
		}
		return counts(c)
	})
}

// number reads a scalar that is a number, as good says, or a template for one;
// nil where it is empty or wrong.
func (ld *loader) number(f pair, want string, good func(any) bool) *Value {
	if f.value.Kind != yaml.ScalarNode {
		ld.errorf(f.value, "", "`%s` must be %s, not %s", f.name, want, nodeKind(f.value))
		return nil
	}
	v := ld.scalar(f.value)
	c, ok := v.Const()
	switch {
	case !ok:
		return v
	case c == nil:
		return nil
	case !good(c):
		ld.errorf(f.value, "", "`%s` must be %s: `%s`", f.name, want, f.value.Value)
		return nil
	}
	return v
}

// realNumber reads a number of any kind, or text that is one. A boolean is
// none.
func realNumber(c any) (float64, bool) {
	switch c := c.(type) {
	case int:
		return float64(c), true
	case float64:
		return c, !math.IsNaN(c)
	case string:
		x, err := strconv.ParseFloat(strings.TrimSpace(c), 64)
		return x, err == nil && !math.IsNaN(x)
	}
	return 0, false
}
