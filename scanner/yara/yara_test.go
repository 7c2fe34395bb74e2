package yara

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hillu/go-yara/v4"
	"golang.org/x/sys/unix"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
	"thordeploy/scanner/samples"
)

func hasScore(m yara.Meta) bool { return m.Identifier == "score" }

// write creates files in a new folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// compile compiles rule files given as name and text.
func compile(t *testing.T, files map[string]string) *Set {
	t.Helper()
	list, err := RuleFiles([]string{write(t, files)})
	if err != nil {
		t.Fatal(err)
	}
	set, err := Compile(list, finding.Custom)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func sample(path, data string) *scanner.Object {
	return object(samples.Sample{Path: path, Mode: 0o644, Data: []byte(data)})
}

func rule(name, condition string) string {
	return "rule " + name + " { condition: " + condition + " }\n"
}

func TestABrokenFileLosesOnlyItself(t *testing.T) {
	set := compile(t, map[string]string{
		"a.yar":            rule("A", "true"),
		"broken.yar":       "rule B {\n  condition:\n    nonsense\n}\n",
		"c/d.yara":         rule("C", "true"),
		"same-name.yar":    rule("A", "true"),
		"include.yar":      "include \"a.yar\"\n" + rule("I", "true"),
		"zero.yar":         "// \x00\n" + rule("Z", "true"),
		"unknown.yar":      "import \"cuckoo\"\n" + rule("U", "true"),
		"notes.txt":        "not a rule file",
		"global-rule.yar":  "global " + rule("G", "filesize > 1000000"),
		"empty.yar":        "",
		"upper-case.YAR":   rule("Up", "true"),
		"private-rule.yar": "private " + rule("P", "true") + rule("Q", "P"),
	})
	var problems []string
	for _, p := range set.LeftOut {
		p.File = filepath.Base(p.File)
		problems = append(problems, p.String())
	}
	want := []string{
		`broken.yar:3: undefined identifier "nonsense"`,
		"include.yar:1: includes are disabled",
		`unknown.yar:1: unknown module "cuckoo"`,
		"zero.yar:1: it has a zero byte; rules are plain text",
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	// The global rule holds in its own file alone.
	got := matching(t, NewMatcher([]*Set{set}, System{}, 0), sample("x", "data"))
	if diff := cmp.Diff([]string{"A", "C", "Q", "A", "Up"}, got); diff != "" {
		t.Errorf("matching rules (-want +got):\n%s", diff)
	}
}

// A FIFO or a device with the name of a rule file must not hang the start.
func TestRulesAreRegularFiles(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/fifo.yar", 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", dir+"/zero.yar"); err != nil {
		t.Fatal(err)
	}
	hang := time.AfterFunc(time.Minute, func() { panic("reading rules hangs") })
	defer hang.Stop()
	set, err := Compile([]string{dir + "/fifo.yar", dir + "/zero.yar"}, finding.Custom)
	if err != nil || len(set.LeftOut) != 2 {
		t.Fatalf("%+v, error %v", set, err)
	}
	for _, p := range set.LeftOut {
		if p.Message != "it is not a regular file" {
			t.Errorf("left out: %s", p)
		}
	}
	if _, err := Load(dir+"/fifo.yar", finding.Internal); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("loading a FIFO: %v", err)
	}
}

func TestExternalVariables(t *testing.T) {
	system := System{Timezone: "Europe/Berlin", Language: "de_DE.UTF-8", OSVersion: "Debian 12"}
	m := NewMatcher([]*Set{compile(t, map[string]string{
		"a.yar": rule("Filename", `filename == "x.PHP"`) + rule("Filepath", `filepath == "/srv/www"`) +
			rule("Extension", `extension == ".php"`) + rule("Filetype", `filetype == "ELF"`) +
			rule("Owner", `owner == "alice"`) + rule("Group", `group == "staff"`) +
			rule("Filemode", `filemode == 33261`) + rule("MD5", `md5 == "d1531b1622de54fe3a0187c3344600e9"`) +
			rule("Unpack", `unpack_parent == "" and unpack_source == ""`) +
			rule("System", `timezone == "Europe/Berlin" and language == "de_DE.UTF-8" and osversion == "Debian 12"`),
	})}, system, 0)
	o := sample("srv/www/x.PHP", "\x7fELF")
	o.File = &scanner.File{Dir: "/srv/www", Base: "x.PHP", Extension: ".php", Owner: "alice", Group: "staff", Mode: 0o100755}
	got := matching(t, m, o)
	want := []string{"Filename", "Filepath", "Extension", "Filetype", "Owner", "Group", "Filemode", "MD5", "Unpack", "System"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("matching rules (-want +got):\n%s", diff)
	}
	// The values of one object are not left over for the next.
	other := &scanner.Object{Module: "Upload", Name: "sample-1", Data: []byte("text"), Type: "UNKNOWN"}
	if diff := cmp.Diff([]string{"Unpack", "System"}, matching(t, m, other)); diff != "" {
		t.Errorf("rules matching on the next object (-want +got):\n%s", diff)
	}
}

// A digest of every object is computed only if a rule asks for it, which a
// meta line named md5 doesn't.
func TestMD5IsComputedOnlyForRulesThatAsk(t *testing.T) {
	meta := compile(t, map[string]string{"a.yar": `rule A { meta: md5 = "x" condition: true }`})
	if meta.usesMD5 {
		t.Error("a meta line makes the set ask for md5")
	}
	uses := compile(t, map[string]string{"a.yar": rule("A", `md5 == "x"`)})
	if !uses.usesMD5 || len(uses.LeftOut) != 0 {
		t.Errorf("a rule that uses md5: usesMD5 %v, left out %v", uses.usesMD5, uses.LeftOut)
	}
}

func TestReasonSaysWhatTheRuleSays(t *testing.T) {
	set := compile(t, map[string]string{"a.yar": `
rule Full : T1 T2 {
  meta:
    description = "what it finds"
    author = "A. Nonymous"
    reference = "https://example.org/1"
    reference = "https://example.org/2"
    date = "2026-01-02"
    score = 90
    id = "some-id"
    falsepositive = "a backup tool"
  strings:
    $a = "needle"
    $fp = "hay"
  condition: $a or $fp
}
rule Bare { condition: true }
rule OnlyMemory { meta: type = "memory" condition: true }
rule OnlyFile { meta: type = "file" condition: true }
rule OnlyLogs { meta: limit = "Logscan" condition: true }
rule OddScore { meta: score = "high" condition: true }
`})
	m := NewMatcher([]*Set{set}, System{}, 0)
	reasons, err := m.Match(context.Background(), sample("x", "hay hay needle hay \xff"))
	if err != nil {
		t.Fatal(err)
	}
	offset := uint64(8)
	around := finding.NewText([]byte("hay hay needle hay \xff"))
	want := finding.Reason{
		Type: "reason", Summary: "YARA rule Full / what it finds",
		Signature: finding.Signature{
			Score: 90, Reference: []string{"https://example.org/1", "https://example.org/2"}, Origin: "custom", Kind: "YARA Rule",
			Date: "2026-01-02", Tags: []string{"T1", "T2"}, RuleName: "Full", Description: "what it finds",
			Author: "A. Nonymous", ID: "some-id", FalsePositives: []string{"a backup tool"},
		},
		Matched: []finding.Matched{{Data: finding.NewText([]byte("needle")), Context: &around, Offset: &offset}},
	}
	if diff := cmp.Diff(want, reasons[0]); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
	var rest []string
	for _, r := range reasons[1:] {
		rest = append(rest, r.Signature.RuleName)
		if r.Signature.Score != 75 {
			t.Errorf("%s has score %d, want the default 75", r.Signature.RuleName, r.Signature.Score)
		}
	}
	if diff := cmp.Diff([]string{"Bare", "OnlyFile", "OddScore"}, rest); diff != "" {
		t.Errorf("rules that apply to a file (-want +got):\n%s", diff)
	}
}

func TestMatchedPiecesAreBounded(t *testing.T) {
	set := compile(t, map[string]string{"a.yar": `rule Many { strings: $a = /a{1,400}b/ $b = "x" condition: #a > 100 and #b > 100 }`})
	body := strings.Repeat(strings.Repeat("a", 300)+"bx", 200)
	reasons, err := NewMatcher([]*Set{set}, System{}, 0).Match(context.Background(), sample("x", body))
	if err != nil || len(reasons) != 1 {
		t.Fatalf("%d reasons, error %v", len(reasons), err)
	}
	if n := len(reasons[0].Matched); n > maxMatched || n == 0 {
		t.Errorf("%d pieces, want 1 to %d", n, maxMatched)
	}
	for _, p := range reasons[0].Matched {
		if len(p.Data.Data) > maxPiece || len(p.Context.Data) > maxPiece+2*contextBytes {
			t.Errorf("a piece of %d bytes with %d around it", len(p.Data.Data), len(p.Context.Data))
		}
	}
}

func TestSlowRulesAreGivenUp(t *testing.T) {
	set := compile(t, map[string]string{"a.yar": rule("Quick", "true") + rule("Slow", "for all i in (1..9999999999) : (i > 0)")})
	begun := time.Now()
	_, err := NewMatcher([]*Set{set}, System{}, time.Second).Match(context.Background(), sample("x", "data"))
	if !errors.Is(err, scanner.ErrTimeout) {
		t.Errorf("error %v, want a timeout", err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("giving up took %v", took)
	}
}

func TestMatcherIsUsedByManyWorkers(t *testing.T) {
	m := NewMatcher([]*Set{
		compile(t, map[string]string{"a.yar": `rule Odd { strings: $a = "odd" condition: $a and filename == "odd" }`}),
		compile(t, map[string]string{"b.yar": `rule Even { strings: $a = "even" condition: $a and filename == "even" }`}),
	}, System{}, 0)
	var workers sync.WaitGroup
	for i := range 8 {
		workers.Go(func() {
			name, want := "even", "Even"
			if i%2 == 1 {
				name, want = "odd", "Odd"
			}
			for range 50 {
				reasons, err := m.Match(context.Background(), sample(name, "odd even"))
				if err != nil || len(reasons) != 1 || reasons[0].Signature.RuleName != want {
					t.Errorf("%s: %v, error %v", name, reasons, err)
					return
				}
			}
		})
	}
	workers.Wait()
}

func TestSavedSetIsTheSameWhenLoaded(t *testing.T) {
	set := compile(t, map[string]string{"a.yar": rule("A", `md5 == "8d777f385d3dfec8815d20f7496026dc"`), "b.yar": "rule {"})
	path := filepath.Join(t.TempDir(), "thor.yac")
	if err := set.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(path, finding.Internal)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Rules != 1 || loaded.Files != 1 || len(loaded.LeftOut) != 1 || loaded.Path != path || loaded.Origin != finding.Internal {
		t.Errorf("loaded %+v", loaded)
	}
	if got := matching(t, NewMatcher([]*Set{loaded}, System{}, 0), sample("x", "data")); !cmp.Equal(got, []string{"A"}) {
		t.Errorf("the loaded set matches %v", got)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestDamagedSetsAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "thor.yac")
	if err := compile(t, map[string]string{"a.yar": rule("A", "true")}).WriteFile(path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-5] ^= 1
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":      {nil, "not written by"},
		"other file": {[]byte("YARA rules of another program, long enough"), "not written by"},
		"no header":  {good[:len(fileMagic)+3], "header is cut off"},
		"cut":        {good[:len(good)-10], "damaged"},
		"flipped":    {flipped, "damaged"},
		"bad header": {[]byte(fileMagic + "{]\n"), "header"},
	} {
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, finding.Internal); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one with %q and the path", name, err, c.want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yac"), finding.Internal); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestRuleFilesNamesWhatIsMissing(t *testing.T) {
	if _, err := RuleFiles([]string{"/no/such/folder"}); err == nil || !strings.Contains(err.Error(), "/no/such/folder") {
		t.Errorf("error %v", err)
	}
	set, err := Compile([]string{"/no/such.yar"}, finding.Internal)
	if err != nil || set.Rules != 0 || len(set.LeftOut) != 1 || set.LeftOut[0].File != "/no/such.yar" {
		t.Errorf("a file that is gone: %+v, error %v", set, err)
	}
}

// Rules that are only about the name find empty files too.
func TestEmptyObjects(t *testing.T) {
	m := NewMatcher([]*Set{compile(t, map[string]string{"a.yar": rule("Name", `filename == "dropper" and filesize == 0`)})}, System{}, 0)
	if got := matching(t, m, sample("tmp/dropper", "")); !cmp.Equal(got, []string{"Name"}) {
		t.Errorf("an empty file: %v", got)
	}
}

// FuzzRules gives the compiler any text: it is reported, or compiled.
func FuzzRules(f *testing.F) {
	f.Add("rule A { condition: true }")
	f.Add("rule A { strings: $a = { 41 ?? [2-4] 42 } condition: $a at 0 }")
	f.Add("import \"pe\" rule A { meta: score = -3 condition: pe.is_pe }")
	f.Add("rule A { strings: $a = /(a|b){1,3}/ nocase wide condition: #a > 2 } /*")
	f.Fuzz(func(t *testing.T, text string) {
		_, problem := try("fuzz.yar", text)
		if problem != nil && problem.Message == "" {
			t.Errorf("a problem without a message for %q", text)
		}
	})
}
