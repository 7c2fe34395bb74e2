// Package redact takes secrets out of what is about to be shown or stored.
//
// A [Redactor] is fed with the values that must not appear as they become
// known (passwords, vault values, variables marked no_log) and gives texts and
// streams in which each is replaced by [Mask], also in the forms that a value
// takes on its way through a shell, JSON or base64.
package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Mask stands where a secret stood.
const Mask = "********"

// MinLength is the length in bytes below which a value is left alone: masking
// every "a" would hide nothing and destroy the text.
const MinLength = 3

// Redactor knows the secrets of a run. The zero value knows none and costs
// nothing. It may be used from several goroutines; a secret is masked in what
// is written after Add has returned.
type Redactor struct {
	mu    sync.Mutex
	known map[string]bool
	forms atomic.Pointer[forms]
}

// forms are what to look for. They are replaced, never changed.
type forms struct {
	longest int
	first   [256]bool // bytes that a form begins with
	byFirst [256][][]byte
}

// Add makes secrets known. The lines of a value of several lines are secret
// too, since output is often read line by line.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := false
	for _, s := range secrets {
		for _, form := range formsOf(s) {
			if r.known == nil {
				r.known = map[string]bool{}
			}
			if !r.known[form] {
				r.known[form], changed = true, true
			}
		}
	}
	if changed {
		r.forms.Store(index(r.known))
	}
}

// formsOf gives a value and the shapes it is likely to be seen in.
func formsOf(secret string) []string {
	var out []string
	values := []string{secret, strings.TrimRight(secret, "\r\n")}
	if strings.Contains(secret, "\n") {
		for line := range strings.SplitSeq(secret, "\n") {
			values = append(values, strings.TrimRight(line, "\r"))
		}
	}
	for _, v := range values {
		if len(v) < MinLength {
			continue
		}
		out = append(out, v, strings.ReplaceAll(v, "'", `'\''`), strings.ReplaceAll(v, "'", `'"'"'`),
			url.QueryEscape(v), url.PathEscape(v))
		out = append(out, jsonForm(v, true), jsonForm(v, false))
		out = append(out, base64Forms(v)...)
	}
	return out
}

// jsonForm is v inside a JSON string, with or without <, > and & escaped.
func jsonForm(v string, escapeHTML bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	if enc.Encode(v) != nil {
		return v
	}
	return strings.TrimSuffix(b.String()[1:], "\"\n")
}

// base64Forms are the ways v looks inside base64: its three alignments, less
// the characters at either end that depend on the neighbours. Values too short
// to be told from other text are left out.
func base64Forms(v string) []string {
	if len(v) < 6 {
		return nil
	}
	var out []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			text := enc.EncodeToString([]byte(strings.Repeat("\x00", shift) + v))
			begin := []int{0, 2, 3}[shift] // characters that hold bits of what is before
			end := len(text)
			if (shift+len(v))%3 != 0 {
				end-- // and of what is behind
			}
			out = append(out, text[begin:end])
		}
	}
	return out
}

func index(known map[string]bool) *forms {
	f := &forms{}
	for form := range known {
		c := form[0]
		f.first[c] = true
		f.byFirst[c] = append(f.byFirst[c], []byte(form))
		f.longest = max(f.longest, len(form))
	}
	for _, list := range f.byFirst {
		// The longest first: one secret may begin with another.
		slices.SortFunc(list, func(a, b []byte) int { return len(b) - len(a) })
	}
	return f
}

// at is the length of the longest form that p begins with, or 0. more says
// that p is too short to tell: a longer form begins with all of it.
func (f *forms) at(p []byte) (length int, more bool) {
	for _, form := range f.byFirst[p[0]] {
		switch {
		case bytes.HasPrefix(p, form):
			return len(form), more
		case len(p) < len(form) && bytes.HasPrefix(form, p):
			more = true
		}
	}
	return 0, more
}

// mask appends p to out with every form masked. Unless final, it stops before
// what may be the begin of a form and gives it back as rest.
func (f *forms) mask(out, p []byte, final bool) (masked, rest []byte) {
	from := 0
	for i := 0; i < len(p); {
		if !f.first[p[i]] {
			i++
			continue
		}
		length, more := f.at(p[i:])
		if more && !final {
			return append(out, p[from:i]...), p[i:]
		}
		if length == 0 {
			i++
			continue
		}
		out = append(append(out, p[from:i]...), Mask...)
		i += length
		from = i
	}
	return append(out, p[from:]...), nil
}

// String is s with every secret masked.
func (r *Redactor) String(s string) string {
	f := r.forms.Load()
	if f == nil {
		return s
	}
	out, _ := f.mask(make([]byte, 0, len(s)), []byte(s), true)
	return string(out)
}

// Bytes is p with every secret masked: p itself where none is known, otherwise
// a copy.
func (r *Redactor) Bytes(p []byte) []byte {
	f := r.forms.Load()
	if f == nil {
		return p
	}
	out, _ := f.mask(make([]byte, 0, len(p)), p, true)
	return out
}
