package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseConfig(t *testing.T) {
	t.Parallel()
	c := &config{file: "/etc/ansible.cfg", values: map[string]setting{}}
	err := c.parse(strings.NewReader("# one\n; two\n[Defaults]\nForks = 5 ; as many\ninventory: a,\n   b ; c\nempty =\n[other]\nforks=9;x\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for k, s := range c.values {
		got[k] = s.value
	}
	want := map[string]string{"defaults.forks": "5", "defaults.inventory": "a,\nb", "defaults.empty": "", "other.forks": "9;x"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if s := c.values["defaults.forks"]; s.from != "/etc/ansible.cfg:4: forks" || s.dir != "/etc" {
		t.Errorf("place %q, folder %q", s.from, s.dir)
	}
}

func TestParseBadConfig(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a = b\n":               ":1: ",
		"[defaults\n":           ":1: ",
		"[defaults]\nno sign\n": ":2: ",
		"  indented\n":          ":1: ",
		"[d]\n  indented\n":     ":2: ",
		"[d]\n= x\n":            ":2: ",
	} {
		err := (&config{file: "a.cfg", values: map[string]setting{}}).parse(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), "a.cfg"+want) {
			t.Errorf("%q: %v, want an error with %s", text, err, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("[defaults]\nforks = 5 ; x\n  more\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := &config{file: "a.cfg", values: map[string]setting{}}
		if c.parse(strings.NewReader(text)) != nil {
			return
		}
		for key, s := range c.values {
			if !strings.Contains(key, ".") || s.from == "" {
				t.Errorf("%q: %+v", key, s)
			}
		}
	})
}
