package action

import (
	"slices"
	"testing"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"command": "command", "execute": "command", "ansible.builtin.command": "command", "ansible.legacy.shell": "shell",
		"ansible.posix.mount": "mount", "unmount": "unmount", "ansible.builtin.gather_facts": "setup",
		"comand": "", "ansible.builtin.": "", "": "", "community.general.command": "",
	} {
		s, ok := Lookup(name)
		if ok != (want != "") || ok && s.Name != want {
			t.Errorf("Lookup(%q) = %v, want %q", name, s, want)
		}
	}
	if list := Names(); !slices.IsSorted(list) || !slices.Contains(list, "execute") || !slices.Contains(list, "copy") {
		t.Errorf("Names() = %v", list)
	}
}

// TestSpecs holds every module to what help, checking and completion need.
func TestSpecs(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, s := range all() {
		if s.Name == "" || s.Doc == "" || (s.Run == nil) != s.Runner {
			t.Errorf("module %q lacks its name, Doc or Run, or has a Run that the runner does for it", s.Name)
		}
		for _, n := range append([]string{s.Name}, s.Aliases...) {
			if other, twice := seen[n]; twice {
				t.Errorf("%s and %s share the name %s", s.Name, other, n)
			}
			seen[n] = s.Name
		}
		checkParams(t, s)
	}
}

func checkParams(t *testing.T, s *Spec) {
	t.Helper()
	known := map[string]bool{}
	for i := range s.Params {
		p := &s.Params[i]
		if p.Doc == "" || p.Type == "" {
			t.Errorf("%s: parameter %s lacks its Doc or Type", s.Name, p.Name)
		}
		if err := p.Check(p.Default); err != nil {
			t.Errorf("%s: default: %v", s.Name, err)
		}
		if p.Required && p.Default != nil {
			t.Errorf("%s: parameter %s is required and has a default", s.Name, p.Name)
		}
		for _, n := range append([]string{p.Name}, p.Aliases...) {
			if known[n] {
				t.Errorf("%s: two parameters named %s", s.Name, n)
			}
			known[n] = true
		}
	}
	for _, set := range append(slices.Clone(s.Exclusive), s.OneOf...) {
		for _, n := range set {
			if p, ok := s.Param(n); !ok || p.Name != n {
				t.Errorf("%s: %v names no parameter %s", s.Name, set, n)
			}
		}
	}
	for _, n := range append(slices.Clone(s.RawText), s.FreeForm) {
		if n != "" && !known[n] && !slices.Contains(s.RawText, n) {
			t.Errorf("%s: FreeForm names no parameter %s", s.Name, n)
		}
		if slices.Contains(s.RawText, n) && !known[n] {
			t.Errorf("%s: RawText names no parameter %s", s.Name, n)
		}
	}
}
