package vault

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeyring(t *testing.T) {
	t.Parallel()
	right := Secret{ID: "prod", Password: []byte("right")}
	text, err := Encrypt([]byte("open sesame"), right)
	if err != nil {
		t.Fatal(err)
	}
	var hidden []string
	k := &Keyring{Passwords: []Secret{{Password: []byte("wrong")}, right}, Hide: func(s ...string) { hidden = append(hidden, s...) }}
	if got, err := k.Open(text); err != nil || string(got) != "open sesame" || hidden != nil {
		t.Errorf("Open gives %q, %v, hides %q", got, err, hidden)
	}
	if got, err := k.Value(string(text)); err != nil || got != "open sesame" {
		t.Errorf("Value gives %q, %v", got, err)
	}
	if diff := cmp.Diff([]string{"open sesame"}, hidden); diff != "" {
		t.Errorf("hidden (-want +got)\n%s", diff)
	}
}

func TestKeyringWithoutPasswords(t *testing.T) {
	t.Parallel()
	text, err := Encrypt([]byte("x"), Secret{Password: []byte("pw")})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*Keyring{nil, {}} {
		_, err := k.Value(string(text))
		if !errors.Is(err, ErrPassword) || !strings.Contains(err.Error(), "--vault-password-file") {
			t.Errorf("the error is %v", err)
		}
		k.Conceal("nobody is told, and nothing breaks")
	}
}

func TestConcealHidesEveryText(t *testing.T) {
	t.Parallel()
	var hidden []string
	k := &Keyring{Hide: func(s ...string) { hidden = append(hidden, s...) }}
	k.Conceal(map[string]any{"a": "one", "n": 22, "b": true, "l": []any{"two", map[string]any{"c": "three"}}})
	slices.Sort(hidden)
	if diff := cmp.Diff([]string{"one", "three", "two"}, hidden); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
