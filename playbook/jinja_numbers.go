package playbook

import (
	"crypto/sha1" //nolint:gosec // uuid5 is made of it
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

func needNumber(v any) (float64, error) {
	_, f, _, ok := number(v)
	if !ok {
		return 0, fmt.Errorf("a number is needed, not %s", kindOf(v))
	}
	return f, nil
}

func (a arguments) float(i int, def float64) (float64, error) {
	v, ok := a.get(i)
	if !ok {
		return def, nil
	}
	return needNumber(v)
}

func logFilter(_ *evaluation, in any, a arguments) (any, error) {
	x, err := needNumber(in)
	if err != nil {
		return nil, err
	}
	base, err := a.float(0, math.E)
	switch {
	case err != nil:
		return nil, err
	case x <= 0 || base <= 0 || base == 1:
		return nil, fmt.Errorf("there is no logarithm of %s to base %s", floatText(x), floatText(base))
	case base == 10:
		return math.Log10(x), nil
	case base == math.E:
		return math.Log(x), nil
	}
	return math.Log(x) / math.Log(base), nil
}

func powFilter(_ *evaluation, in any, a arguments) (any, error) {
	x, err := needNumber(in)
	if err != nil {
		return nil, err
	}
	y, err := a.float(0, 1)
	if err != nil {
		return nil, err
	}
	return math.Pow(x, y), nil
}

func rootFilter(_ *evaluation, in any, a arguments) (any, error) {
	x, err := needNumber(in)
	if err != nil {
		return nil, err
	}
	base, err := a.float(0, 2)
	switch {
	case err != nil:
		return nil, err
	case base == 0 || x < 0:
		return nil, fmt.Errorf("there is no such root of %s", floatText(x))
	case base == 2:
		return math.Sqrt(x), nil
	}
	r := math.Pow(x, 1/base)
	if whole := math.Round(r); math.Pow(whole, base) == x {
		r = whole // Go's power is less exact than C's
	}
	return r, nil
}

// seeded is where random numbers come from: with a seed the same ones each
// time, though others than Python's. None of them is a secret.
func seeded(a arguments, i int) *rand.Rand {
	seed, ok := a.get(i)
	if !ok || seed == nil {
		return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // for a choice, no secret
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(toText(seed)))       // a hash has no errors
	return rand.New(rand.NewPCG(h.Sum64(), 0)) //nolint:gosec // for a choice, no secret
}

// randomFilter is an item of a list, or a number from start up to the input.
func randomFilter(_ *evaluation, in any, a arguments) (any, error) {
	r := seeded(a, 2)
	end, isNumber := in.(int)
	if !isNumber {
		list, err := elements(in)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("there is nothing to choose from")
		}
		return list[r.IntN(len(list))], nil
	}
	start, err := a.number(0, 0)
	if err != nil {
		return nil, err
	}
	step, err := a.number(1, 1)
	if err != nil {
		return nil, err
	}
	if step <= 0 || end <= start {
		return nil, fmt.Errorf("no number lies from %d up to %d", start, end)
	}
	return start + step*r.IntN((end-start+step-1)/step), nil
}

func shuffleFilter(ev *evaluation, in any, a arguments) (any, error) {
	list, err := elements(in)
	if err != nil {
		return nil, err
	}
	out := append([]any{}, list...)
	seeded(a, 0).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out, ev.work(len(out))
}

func digestFilter(kind string) func(*evaluation, any, arguments) (any, error) {
	return func(ev *evaluation, in any, _ arguments) (any, error) {
		return hashFilter(ev, in, arguments{list: []any{kind}})
	}
}

// ansibleNamespace is the one that Ansible's to_uuid has.
const ansibleNamespace = "361E6D51-FAEC-444A-9079-341386DA8E2E"

// uuidFilter is a version 5 UUID of a text.
func uuidFilter(_ *evaluation, in any, a arguments) (any, error) {
	space, err := hex.DecodeString(strings.ReplaceAll(a.text(0, ansibleNamespace), "-", ""))
	if err != nil || len(space) != 16 {
		return nil, fmt.Errorf("%q is no UUID", a.text(0, ""))
	}
	sum := sha1.Sum(append(space, pythonText(in)...)) //nolint:gosec // uuid5 is made of it
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	h := hex.EncodeToString(u)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"), nil
}

var byteSize = regexp.MustCompile(`^\s*(\d*\.?\d*)\s*([A-Za-z]+)?\s*$`)

// humanToBytes reads 10M, 1.5 GB, or with isbits 10Mb.
func humanToBytes(_ *evaluation, in any, a arguments) (any, error) {
	text := toText(in)
	m := byteSize.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("%q is no size", text)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no size", text)
	}
	unit := m[2]
	if unit == "" {
		unit = a.text(0, "")
	}
	if unit == "" {
		return int(n), nil
	}
	i := strings.IndexByte("BKMGTPEZY", strings.ToUpper(unit)[0])
	want, long := "b", "bit"
	if !a.flag(1, false) {
		want, long = "B", "byte"
	}
	rest := unit[1:]
	if i == 0 {
		rest = unit
	}
	if i < 0 || rest != "" && rest != want && !strings.EqualFold(strings.TrimSuffix(strings.ToLower(rest), "s"), long) {
		return nil, fmt.Errorf("%q is no size in %ss: its unit is `%s`", text, long, unit)
	}
	return int(math.Round(n * math.Exp2(float64(10*i)))), nil
}
