package playbook

import (
	"crypto/md5"  //nolint:gosec // for comparing with md5sum; nothing is secured by it
	"crypto/sha1" //nolint:gosec // the default of Ansible's hash
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + strings.ToLower(s[n:])
}

func title(s string) string {
	start := true
	return strings.Map(func(r rune) rune {
		was := start
		start = !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
		if was {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func trimFilter(_ *evaluation, in any, a arguments) (any, error) {
	if chars := a.text(0, ""); chars != "" {
		return strings.Trim(pythonText(in), chars), nil
	}
	return strings.TrimSpace(pythonText(in)), nil
}

// baseName and dirName are Python's os.path: of "a/b/" they give "" and "a/b".
func baseName(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

func dirName(s string) string {
	head := s[:strings.LastIndexByte(s, '/')+1]
	if strings.Trim(head, "/") == "" {
		return head
	}
	return strings.TrimRight(head, "/")
}

func splitextFilter(_ *evaluation, in any, _ arguments) (any, error) {
	s := toText(in)
	start := strings.LastIndexByte(s, '/') + 1
	base := strings.TrimLeft(s[start:], ".")
	if dot := strings.LastIndexByte(base, '.'); dot >= 0 {
		dot += len(s) - len(base)
		return []any{s[:dot], s[dot:]}, nil
	}
	return []any{s, ""}, nil
}

// shellQuote is Python's shlex.quote.
func shellQuote(s string) string {
	safe := strings.IndexFunc(s, func(r rune) bool {
		return !(r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("_@%+=:,./-", r))
	}) < 0
	if s != "" && safe {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

func replaceFilter(ev *evaluation, in any, a arguments) (any, error) {
	count, err := a.number(2, -1)
	if err != nil {
		return nil, err
	}
	return replaced(ev, pythonText(in), a.text(0, ""), a.text(1, ""), count)
}

func replaced(ev *evaluation, s, from, to string, count int) (any, error) {
	hits := strings.Count(s, from)
	if count >= 0 {
		hits = min(hits, count)
	}
	if len(to) > 0 && hits > maxOutput/len(to) {
		return nil, ev.spend(maxOutput + 1)
	}
	if err := ev.spend(len(s) + hits*len(to)); err != nil {
		return nil, err
	}
	return strings.Replace(s, from, to, count), nil
}

func splitFilter(ev *evaluation, in any, a arguments) (any, error) {
	s, ok := in.(string)
	if !ok {
		return nil, fmt.Errorf("a string is needed, not %s", kindOf(in))
	}
	limit, err := a.number(1, -1)
	if err != nil {
		return nil, err
	}
	sep, given := a.get(0)
	if !given || sep == nil {
		return fieldsN(ev, s, limit)
	}
	return splitBy(ev, s, toText(sep), limit)
}

// splitBy splits at sep, at most limit times where that isn't negative.
func splitBy(ev *evaluation, s, sep string, limit int) (any, error) {
	if sep == "" {
		return nil, fmt.Errorf("the separator is empty")
	}
	if limit < 0 {
		limit = strings.Count(s, sep)
	}
	if err := ev.work(min(limit, strings.Count(s, sep)) + 1); err != nil {
		return nil, err
	}
	return plain(strings.SplitN(s, sep, limit+1)), nil
}

// fieldsN splits at white space, at most n times where n isn't negative.
func fieldsN(ev *evaluation, s string, n int) ([]any, error) {
	out := []any{}
	for s = strings.TrimLeftFunc(s, unicode.IsSpace); s != ""; s = strings.TrimLeftFunc(s, unicode.IsSpace) {
		if err := ev.step(); err != nil {
			return nil, err
		}
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 || len(out) == n {
			return append(out, s), nil
		}
		out, s = append(out, s[:end]), s[end:]
	}
	return out, nil
}

func formatFilter(ev *evaluation, in any, a arguments) (any, error) {
	return printf(ev, toText(in), a.list)
}

func b64decode(_ *evaluation, in any, _ arguments) (any, error) {
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, toText(in))
	out, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("this is not base64: %w", err)
	}
	return string(out), nil
}

func toJSON(ev *evaluation, in any, _ arguments) (any, error) { return writeJSON(ev, in, 0, false) }

func toNiceJSON(ev *evaluation, in any, a arguments) (any, error) {
	indent, err := a.number(0, 4)
	if err != nil {
		return nil, err
	}
	return writeJSON(ev, in, max(1, min(indent, 16)), true)
}

func fromJSON(ev *evaluation, in any, _ arguments) (any, error) {
	s := toText(in)
	if err := ev.spend(len(s)); err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	v, err := jsonData(ev, d, 0)
	if err != nil {
		return nil, fmt.Errorf("this is not JSON: %w", err)
	}
	if d.More() {
		return nil, fmt.Errorf("this is not JSON: something follows the first value")
	}
	return v, nil
}

// maxJSONDepth bounds the nesting of a text that from_json reads.
const maxJSONDepth = 1000

// jsonData reads a value, keys in the order written.
func jsonData(ev *evaluation, d *json.Decoder, depth int) (any, error) {
	if err := ev.step(); err != nil {
		return nil, err
	}
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("it is nested deeper than %d", maxJSONDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		if n, err := strconv.Atoi(t.String()); err == nil {
			return n, nil
		}
		f, _ := t.Float64() // too large a number is infinite, as in Python
		return f, nil
	case json.Delim:
		if t == '[' {
			return jsonList(ev, d, depth)
		}
		return jsonObject(ev, d, depth)
	}
	return t, nil
}

func jsonList(ev *evaluation, d *json.Decoder, depth int) (any, error) {
	list := []any{}
	for d.More() {
		v, err := jsonData(ev, d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}

func jsonObject(ev *evaluation, d *json.Decoder, depth int) (any, error) {
	m := newDict(0)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := jsonData(ev, d, depth+1)
		if err != nil {
			return nil, err
		}
		m.set(key.(string), v) // the decoder lets nothing else be a key
	}
	_, err := d.Token()
	return m, err
}

// hashes are the digests that hash knows, by Python's names.
var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

func hashFilter(_ *evaluation, in any, a arguments) (any, error) {
	kind := a.text(0, "sha1")
	digest, ok := hashes[kind]
	if !ok {
		return nil, fmt.Errorf("unknown digest `%s`: one of %s", kind, strings.Join(keysOf(hashes), ", "))
	}
	h := digest()
	h.Write([]byte(pythonText(in)))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// humanReadable writes a size: 1.18 MB, or Mb with isbits.
func humanReadable(_ *evaluation, in any, a arguments) (any, error) {
	_, size, _, ok := number(in)
	if n, whole := wholeNumber(in); !ok && whole {
		size, ok = float64(n), true
	}
	if !ok {
		return nil, fmt.Errorf("a number is needed, not %s", kindOf(in))
	}
	letter, base := "B", "Bytes"
	if a.flag(0, false) {
		letter, base = "b", "bits"
	}
	unit := strings.ToUpper(a.text(1, ""))
	for i, prefix := range "YZEPTGMK" {
		limit := math.Exp2(float64(80 - 10*i))
		if unit == "" && size >= limit || unit == string(prefix) {
			return fmt.Sprintf("%.2f %c%s", size/limit, prefix, letter), nil
		}
	}
	return fmt.Sprintf("%.2f %s", size, base), nil
}
