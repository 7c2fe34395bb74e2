package ioc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// lists reads one list of text.
func lists(t testing.TB, kind Kind, text string) (*Lists, []Problem) {
	t.Helper()
	l := &Lists{Count: map[Kind]int{}}
	problems := l.Read(finding.Custom, kind, "/x/list.txt", strings.NewReader(text))
	l.names.finish()
	l.keywords.finish()
	return l, problems
}

func texts(reasons []finding.Reason) []string {
	var out []string
	for _, r := range reasons {
		out = append(out, r.Summary)
	}
	return out
}

func TestKindOf(t *testing.T) {
	for name, want := range map[string]Kind{
		"filename-iocs.txt": Filenames, "my-FileNames.txt": Filenames, "hash-iocs.txt": Hashes, "otx-hash.txt": Hashes,
		"c2-iocs.txt": C2, "bad-domains.txt": C2, "keywords.txt": Keywords, "trusted-hashes.txt": Trusted,
		"falsepositive-hashes.txt": Trusted, "/a/b-hash/names.txt": "",
	} {
		if got, ok := KindOf(name); got != want || ok != (want != "") {
			t.Errorf("KindOf(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
}

func TestFilenames(t *testing.T) {
	l, problems := lists(t, Filenames, `# Backdoor of case X
\\Temp\\[^\\"]{1,8}\.(vbs|exe)$;60
C:\\Windows\\evil\.dll;80

/dev/shm/[a-z]+\.sh;65;/dev/shm/harmless\.sh
(?i)mimikatz;90
\.(jsp|jspx);50
a;b;70
no-score
x{2,3}\.q;55
`)
	if len(problems) != 0 {
		t.Fatalf("problems: %v", problems)
	}
	for path, want := range map[string][]string{
		"/home/a/Temp/run.exe":        {`Filename IOC \\Temp\\[^\\"]{1,8}\.(vbs|exe)$ / Backdoor of case X`},
		"/home/a/Temp/run.exe.txt":    nil,
		"/home/a/temp/run.exe":        nil, // without (?i) the case counts
		"/mnt/c/Windows/evil.dll":     {`Filename IOC C:\\Windows\\evil\.dll / Backdoor of case X`},
		"/dev/shm/x.sh":               {`Filename IOC /dev/shm/[a-z]+\.sh`},
		"/dev/shm/harmless.sh":        nil,
		"/opt/MimiKatz.txt":           {"Filename IOC (?i)mimikatz"},
		"/opt/mimi\u212aatz":          {"Filename IOC (?i)mimikatz"}, // a Kelvin sign
		"/srv/x.jspx":                 {`Filename IOC \.(jsp|jspx)`},
		"/tmp/a;b":                    {"Filename IOC a;b"},
		"/tmp/no-score":               {"Filename IOC no-score"},
		"/tmp/xxx.q":                  {`Filename IOC x{2,3}\.q`},
		"/tmp/\xff\xfe.jsp\nmimikatz": {`Filename IOC (?i)mimikatz`, `Filename IOC \.(jsp|jspx)`},
	} {
		got := texts(l.names.match(path))
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", path, diff)
		}
	}
}

func TestBadLines(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		text string
		want string
	}{
		{Filenames, "(;80", "list.txt:1: not a regular expression"},
		{Filenames, "\n(?!x)y;80", "list.txt:2: not a regular expression"},
		{Filenames, "a;b;c", "list.txt:1: a score is missing"},
		{Filenames, "a\xff;80", "list.txt:1: not UTF-8"},
		{Filenames, strings.Repeat("a", 70_000) + ";80", "list.txt:1: a line of more than"},
		{Hashes, "xyz;comment", "list.txt:1: not a digest"},
		{Hashes, "abcd;comment", "list.txt:1: not a digest: 4 hexadecimal digits"},
		{Hashes, "d41d8cd98f00b204e9800998ecf8427e;oops", "the digest of an empty file"},
		{Hashes, "68b329da9893e34099c7d8ad5cb9c940", "the digest of a file of one newline"},
		{C2, "0.0.0.0/0;90", "every address"},
		{C2, "127.0.0.1", "no server's address"},
		{C2, "not a domain", "neither a domain nor an address"},
		{Keywords, "ab", "less than three characters"},
	} {
		l, problems := lists(t, c.kind, c.text+"\n")
		if len(problems) != 1 || !strings.Contains(problems[0].String(), c.want) {
			t.Errorf("%s %.40q: %v, want %q", c.kind, c.text, problems, c.want)
		}
		if l.Count[c.kind] != 0 {
			t.Errorf("%s %.40q: counted", c.kind, c.text)
		}
		if everywhere := strings.Contains(c.want, "every") || strings.Contains(c.want, "no server") || strings.Contains(c.want, "newline") || strings.Contains(c.want, "empty") || c.text == "ab"; len(problems) == 1 && problems[0].Harmless != everywhere {
			t.Errorf("%s %.40q: harmless = %v", c.kind, c.text, problems[0].Harmless)
		}
	}
}

func TestDigests(t *testing.T) {
	content := []byte("a bad program")
	sum := sha256.Sum256(content)
	l, problems := lists(t, Hashes, "# comment above\n"+strings.ToUpper(hex.EncodeToString(sum[:]))+";70;tool of case X\n900150983cd24fb0d6963f7d28e17f72;abc\n")
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	match := func(data string, size int) []finding.Reason {
		r, err := l.Matcher().Match(context.Background(), &scanner.Object{Name: "/x", Data: []byte(data), Size: int64(size), File: &scanner.File{}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := match(string(content), len(content)); len(r) != 1 || r[0].Signature.Score != 70 || r[0].Signature.Description != "tool of case X" || r[0].Signature.Kind != finding.HashIOC {
		t.Errorf("SHA-256: %+v", r)
	}
	if r := match("abc", 3); len(r) != 1 || r[0].Signature.Score != 100 {
		t.Errorf("MD5: %+v", r)
	}
	if r := match("abc", 4); len(r) != 0 {
		t.Errorf("a part of a file was taken for the whole: %+v", r)
	}
	if r := match("abd", 3); len(r) != 0 {
		t.Errorf("another content: %+v", r)
	}
	trusted, _ := lists(t, Trusted, "900150983cd24fb0d6963f7d28e17f72\n")
	if !trusted.Trusted([]byte("abc")) || trusted.Trusted([]byte("abd")) || trusted.Trusted(nil) {
		t.Error("trusted digests")
	}
}

func TestServersAndKeywords(t *testing.T) {
	l, problems := lists(t, C2, "evil.example;90\n198.51.100.7;case X\n203.0.113.0/24;60\n2001:db8::1\n")
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	for addr, score := range map[string]int{"198.51.100.7": 100, "::ffff:198.51.100.7": 100, "203.0.113.9": 60, "2001:db8::1%eth0": 100, "198.51.100.8": 0} {
		got := 0
		if ind := l.Address(netip.MustParseAddr(addr)); ind != nil {
			got = ind.Score
		}
		if got != score {
			t.Errorf("%s: score %d, want %d", addr, got, score)
		}
	}
	for name, want := range map[string]bool{"evil.example": true, "WWW.Evil.Example.": true, "notevil.example": false, "example": false, "": false} {
		if got := l.Domain(name) != nil; got != want {
			t.Errorf("Domain(%q) = %v", name, got)
		}
	}
	k, problems := lists(t, Keywords, "# Tools\nsekurlsa::logon\n  padded  \n")
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	got := k.Keyword([]byte("x sekurlsa::logon  padded  sekurlsa::logon SEKURLSA::logon"))
	if len(got) != 2 || got[0].Text != "sekurlsa::logon" || got[1].Text != "  padded  " || got[0].Description != "Tools" {
		t.Errorf("keywords: %+v", got)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"case-filename.txt": "/x/y;80\n", "sub/c2.txt": "a.example\n", "odd.txt": "?\n", "README.txt": "words", ".hidden-hash.txt": "zz\n", "hash.csv": "zz\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, problems, err := Load(finding.Custom, dir, filepath.Join(dir, "missing"))
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].String(), "odd.txt: the name doesn't tell") {
		t.Errorf("problems: %v", problems)
	}
	if diff := cmp.Diff(map[Kind]int{Filenames: 1, C2: 1}, l.Count); diff != "" {
		t.Error(diff)
	}
}

func TestProcesses(t *testing.T) {
	l := &Lists{Count: map[Kind]int{}}
	for kind, text := range map[Kind]string{C2: "203.0.113.0/24;80\n", Keywords: "sekurlsa::\n"} {
		if problems := l.Read(finding.Custom, kind, "list.txt", strings.NewReader(text)); len(problems) != 0 {
			t.Fatal(problems)
		}
	}
	l.keywords.finish()
	match := func(p *scanner.Process) []string {
		r, err := l.Matcher().Match(context.Background(), &scanner.Object{Process: p})
		if err != nil {
			t.Fatal(err)
		}
		return texts(r)
	}
	peers := []netip.AddrPort{netip.MustParseAddrPort("203.0.113.5:443"), netip.MustParseAddrPort("203.0.113.6:443"), netip.MustParseAddrPort("192.0.2.1:22")}
	want := []string{"Domain IOC 203.0.113.0/24", "Keyword IOC sekurlsa::"}
	if diff := cmp.Diff(want, match(&scanner.Process{Remote: peers, Args: []string{"tool", "sekurlsa::x"}})); diff != "" {
		t.Error(diff)
	}
	if got := match(&scanner.Process{Remote: peers[2:], Args: []string{"sekurlsa:", ":x"}}); got != nil {
		t.Errorf("found %v", got)
	}
}
