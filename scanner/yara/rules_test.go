package yara

import (
	"bytes"
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"thordeploy/scanner"
	"thordeploy/scanner/filetype"
	"thordeploy/scanner/finding"
	"thordeploy/scanner/samples"
)

// ownRules compiles the project's own rules.
func ownRules(t *testing.T) *Set {
	t.Helper()
	files, err := RuleFiles([]string{"../../signatures/yara"})
	if err != nil {
		t.Fatal(err)
	}
	set, err := Compile(files, finding.Internal)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.LeftOut {
		t.Errorf("an own rule file does not compile: %s", p)
	}
	return set
}

// object is the file that a sample would be on a host.
func object(s samples.Sample) *scanner.Object {
	full := "/" + s.Path
	mode := uint32(s.Mode.Perm()) | 0o100000
	if s.Mode&^s.Mode.Perm() != 0 {
		mode |= 0o4000
	}
	return &scanner.Object{
		Module: "Filescan", Name: full, Size: int64(len(s.Data)), Content: io.NopCloser(bytes.NewReader(s.Data)),
		Data: s.Data, Type: filetype.Of(s.Data),
		File: &scanner.File{Dir: path.Dir(full), Base: path.Base(full), Extension: filepath.Ext(full), Owner: "root", Group: "root", Mode: mode},
	}
}

func matching(t *testing.T, m *Matcher, o *scanner.Object) []string {
	t.Helper()
	reasons, err := m.Match(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range reasons {
		names = append(names, r.Signature.RuleName)
	}
	return names
}

func TestEachOwnRuleFindsItsSample(t *testing.T) {
	m := NewMatcher([]*Set{ownRules(t)}, System{}, 0)
	for _, s := range samples.All() {
		if got := matching(t, m, object(s)); !slices.Contains(got, s.Rule) {
			t.Errorf("%s does not find its sample %s; rules that do: %v", s.Rule, s.Path, got)
		}
	}
}

func TestNoOwnRuleFindsANearMiss(t *testing.T) {
	m := NewMatcher([]*Set{ownRules(t)}, System{}, 0)
	for _, s := range samples.Near() {
		if got := matching(t, m, object(s)); slices.Contains(got, s.Rule) {
			t.Errorf("%s takes the near miss %s for the real thing", s.Rule, s.Path)
		}
	}
}

// The name and the place of a file are part of some rules: the same content
// elsewhere is not found.
func TestPlaceMattersToRulesAboutOneFile(t *testing.T) {
	m := NewMatcher([]*Set{ownRules(t)}, System{}, 0)
	for _, rule := range []string{
		"Rootkit_Preload_Entry_Unusual_Place", "Persistence_Preload_Entry", "Backdoor_Sshd_Config", "Backdoor_PAM_Config",
		"Backdoor_Authorized_Keys_Command", "Backdoor_Passwd_Second_Root", "Backdoor_Sudoers_Service_Account",
		"Persistence_Cron_Public_Folder", "Persistence_Systemd_Unit", "Persistence_Shell_Startup_File",
		"Persistence_Udev_Rule", "Persistence_Package_Hook", "Persistence_Ssh_Rc_Network", "AntiForensics_History_Disabled",
	} {
		s, ok := samples.For(rule)
		if !ok {
			t.Errorf("no sample for %s", rule)
			continue
		}
		s.Path = "home/user/notes.txt"
		if got := matching(t, m, object(s)); slices.Contains(got, rule) {
			t.Errorf("%s matches in /%s", rule, s.Path)
		}
	}
	for _, rule := range []string{"Backdoor_Suid_Shell_Helper", "Backdoor_Suid_Interpreter"} {
		s, _ := samples.For(rule)
		s.Mode = 0o755
		if got := matching(t, m, object(s)); slices.Contains(got, rule) {
			t.Errorf("%s matches a file without the setuid bit", rule)
		}
	}
}

// What an intruder would write to get past a rule, and what an administrator
// has who doesn't.
func TestOwnRulesBesideTheirSamples(t *testing.T) {
	m := NewMatcher([]*Set{ownRules(t)}, System{}, 0)
	const preload, passwd = "etc/ld.so.preload", "etc/passwd"
	for _, c := range []struct {
		rule, path, data string
		found            bool
	}{
		{"Persistence_Preload_Entry", preload, "/lib/libc.6.1", true},
		{"Persistence_Preload_Entry", preload, "# by hand\n\t/opt/x\n", true},
		{"Persistence_Preload_Entry", preload, "liba.so:/lib/x\n", true},
		{"Persistence_Preload_Entry", preload, "#/usr/lib/libarmmem.so\n", false},
		{"Persistence_Preload_Entry", preload, "", false},
		{"Rootkit_Preload_Entry_Unusual_Place", preload, "/lib/a.so:/tmp/x", true},
		{"Rootkit_Preload_Entry_Unusual_Place", preload, "/opt/agent/run/lib.so\n", false},
		{"Backdoor_Passwd_Second_Root", passwd, "0day:x:0:0::/:/bin/sh\n", true},
		{"Backdoor_Passwd_Second_Root", passwd, ".a:x:0:0::/:/bin/sh\n", true},
		{"Backdoor_Passwd_Second_Root", passwd, "root:x:0:0:root:/root:/bin/sh\n+::0:0:::\n#old:x:0:0::/:/bin/sh\n", false},
	} {
		s := samples.Sample{Path: c.path, Mode: 0o644, Data: []byte(c.data)}
		if got := matching(t, m, object(s)); slices.Contains(got, c.rule) != c.found {
			t.Errorf("%q in /%s: %v, want %s: %v", c.data, c.path, got, c.rule, c.found)
		}
	}
}

// Rules and samples belong together, and each rule says what its finding needs.
func TestOwnRulesAreDescribed(t *testing.T) {
	set := ownRules(t)
	if set.Rules < 36 {
		t.Errorf("there are %d own rules, fewer than 36", set.Rules)
	}
	withSample := map[string]bool{}
	for _, s := range samples.All() {
		withSample[s.Rule] = true
	}
	ids := map[string]string{}
	for _, r := range set.compiled.GetRules() {
		name, m := r.Identifier(), readMeta(r.Metas())
		if !withSample[name] {
			t.Errorf("%s has no sample", name)
		}
		if m.description == "" || m.author != "thordeploy project" || len(m.references) == 0 || m.date == "" || m.id == "" {
			t.Errorf("%s lacks description, author, reference, date or id: %+v", name, m)
		}
		if !slices.ContainsFunc(r.Metas(), hasScore) {
			t.Errorf("%s has no score", name)
		}
		if other := ids[m.id]; other != "" {
			t.Errorf("%s and %s share the id %s", name, other, m.id)
		}
		ids[m.id] = name
		if strings.ToLower(name) == name {
			t.Errorf("%s is not in the form Kind_What_How", name)
		}
	}
}

// libyara warns of strings that are slow to look for, and of the like.
func TestOwnRulesCompileWithoutWarnings(t *testing.T) {
	files, err := RuleFiles([]string{"../../signatures/yara"})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := newCompiler(true)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddString(string(text), ""); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, w := range c.Warnings {
			t.Errorf("%s:%d: %s", file, w.Line, w.Text)
		}
		c.Destroy()
	}
}
