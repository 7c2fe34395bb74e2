package lint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"thordeploy/playbook"
	"thordeploy/playbooks"
)

// check lints a playbook's text.
func check(t *testing.T, text string) []Finding {
	t.Helper()
	pb, found := playbook.Load("a.yml", "/plays", []byte(text))
	return Check(Input{Playbook: pb, Found: found, Line: lineOf(text)})
}

func lineOf(text string) func(string, int) string {
	lines := strings.Split(text, "\n")
	return func(_ string, n int) string {
		if n < 1 || n > len(lines) {
			return ""
		}
		return lines[n-1]
	}
}

func of(list []Finding, rule string) []Finding {
	return slices.DeleteFunc(slices.Clone(list), func(f Finding) bool { return f.Rule != rule })
}

// briefly is findings as line:column rule summary.
func briefly(list []Finding) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%d:%d %s %s\n", f.Range.Line, f.Range.Column, f.Rule, f.Summary)
	}
	return b.String()
}

// seed is the published playbook, indented; the copy in testdata stands in for
// it where the project is checked out alone.
func seed(t *testing.T) string {
	t.Helper()
	for _, f := range []string{"../../../shared/seed/thor-playbook-indented.yml", "../testdata/seed/thor.yml"} {
		data, err := os.ReadFile(f)
		if err == nil {
			return string(data)
		}
		if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	t.Fatal("no seed playbook")
	return ""
}

// The published playbook's faults are named: the drive that stays when the scan
// fails, the size that bounds nothing, the file that is waited for in vain, and
// (as the manual prints it) the mode that is set on another file.
func TestSeed(t *testing.T) {
	t.Parallel()
	got := briefly(check(t, seed(t)))
	for _, want := range []string{
		"7:5 command-for-module module `file` does what `mkdir` does here",
		"9:5 mount-left `/mnt/temp_ram` stays mounted where a task fails before `",
		"9:5 ramfs-size `size=` of a ramfs bounds nothing",
		"10:5 ignored-keyword `ignore_warnings` does nothing",
		"17:69 creates-unmet nothing makes `/mnt/temp_ram/thor.html`: the command writes `/mnt/temp_ram/thor.txt`",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("not found: %s\nin\n%s", want, got)
		}
	}
	if strings.Contains(got, chmodOtherFile.ID) {
		t.Errorf("both tasks name the same file:\n%s", got)
	}
	manual := strings.Replace(seed(t), "path=/mnt/temp_ram/thor64", "path=/mnt/temp_ram/thor-x64", 1)
	found := of(check(t, manual), chmodOtherFile.ID)
	if len(found) != 1 || !strings.Contains(found[0].Summary, "`/mnt/temp_ram/thor-x64` is made executable, but what `") ||
		!strings.HasSuffix(found[0].Summary, "runs is `/mnt/temp_ram/thor64`") || found[0].Range.Line != 15 {
		t.Errorf("thor-x64 and thor64: %s", briefly(found))
	}
}

// The project's own playbooks break no rule.
func TestOwnPlaybooks(t *testing.T) {
	t.Parallel()
	if len(playbooks.Names()) < 2 {
		t.Fatal(playbooks.Names())
	}
	for _, name := range playbooks.Names() {
		data, err := playbooks.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if list := check(t, string(data)); len(list) > 0 {
			t.Errorf("%s:\n%s", name, briefly(list))
		}
	}
}

// Of every rule there is an example that breaks it and one that is so near to it
// as to show where it ends (testdata/RULE.bad.yml and RULE.good.yml), each with
// what it comes to: the lines marked with `#!`.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, r := range Rules() {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []string{"bad", "good"} {
				name := filepath.Join("testdata", r.ID+"."+kind+".yml")
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				want := marked(string(data))
				var got []int
				for _, f := range of(check(t, string(data)), r.ID) {
					got = append(got, f.Range.Line)
					if f.Reason != r.Why || f.Summary == "" || f.Range.File != "a.yml" {
						t.Errorf("%s: finding without its parts: %+v", name, f)
					}
					if f.Severity != r.Severity {
						t.Errorf("%s: severity %v, the rule's is %v", name, f.Severity, r.Severity)
					}
				}
				slices.Sort(got)
				got = slices.Compact(got)
				if !slices.Equal(got, want) || kind == "bad" && len(got) == 0 {
					t.Errorf("%s: findings in lines %v, want %v\n%s", name, got, want, briefly(check(t, string(data))))
				}
			}
		})
	}
}

// marked lists the lines that end in `#!`.
func marked(text string) []int {
	var out []int
	for i, l := range strings.Split(text, "\n") {
		if strings.HasSuffix(strings.TrimRight(l, " "), "#!") {
			out = append(out, i+1)
		}
	}
	return out
}

func TestRulesAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] || r.Doc == "" || !strings.HasSuffix(r.Why, ".") || strings.ToLower(r.ID) != r.ID {
			t.Errorf("rule %+v", r)
		}
		seen[r.ID] = true
	}
}
