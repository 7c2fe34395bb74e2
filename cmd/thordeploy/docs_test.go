package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"thordeploy/transport/ssh/sshconfig"
)

// The committed pages are those that the code makes.
func TestMadePagesAreCurrent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := &Main{Stdin: os.Stdin, Stdout: devNull(t), Stderr: os.Stderr, Getenv: os.Getenv}
	if code := m.Run([]string{"docs", "--dir", dir, "--cases", "../../oracle/cases"}); code != exitOK {
		t.Fatalf("thordeploy docs ended with %d", code)
	}
	pages, err := os.ReadDir(dir)
	if err != nil || len(pages) == 0 {
		t.Fatalf("pages %v, %v", pages, err)
	}
	for _, p := range pages {
		want, err := os.ReadFile(filepath.Join(dir, p.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("../../docs", p.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("docs/%s isn't what the code makes: run `make docs` (-made +committed)\n%s", p.Name(), diff)
		}
	}
}

func TestDocsWithoutFolder(t *testing.T) {
	t.Parallel()
	m := &Main{Stdin: os.Stdin, Stdout: devNull(t), Stderr: devNull(t), Getenv: os.Getenv}
	if code := m.Run([]string{"docs", "--cases", "../../oracle/cases", "--dir", filepath.Join(t.TempDir(), "nosuch")}); code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
}

func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// docs/inventory.md has the keywords of ssh_config that are done, and no other.
func TestDocumentedSSHOptions(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/inventory.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "These are done:")
	text, _, _ = strings.Cut(text, "and their tokens")
	var documented []string
	for _, m := range regexp.MustCompile("`([A-Z][A-Za-z]+)`").FindAllStringSubmatch(text, -1) {
		if m[1] != "Include" { // which stands for other lines
			documented = append(documented, strings.ToLower(m[1]))
		}
	}
	slices.Sort(documented)
	if known := sshconfig.Keywords(); !slices.Equal(known, documented) {
		t.Errorf("docs/inventory.md has the keywords %v, the program knows %v", documented, known)
	}
}
