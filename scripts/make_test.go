// Package scripts_test holds what the Makefile and its scripts promise.
package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// read gives a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// help gives the targets that `make help` lists.
func help(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-C", "..", "help")
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("make help: %v\n%s", err, out)
	}
	var targets []string
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "make" {
			t.Fatalf("make help prints a line without a target and its purpose: %q", line)
		}
		targets = append(targets, f[1])
	}
	return targets
}

func TestHelpListsEveryTarget(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	m := regexp.MustCompile(`(?m)^\.PHONY: (.*)$`).FindStringSubmatch(makefile)
	if m == nil {
		t.Fatal("the Makefile has no .PHONY line")
	}
	phony := strings.Fields(m[1])
	var rules []string
	for _, r := range regexp.MustCompile(`(?m)^([a-z][a-z-]*):( |$)`).FindAllStringSubmatch(makefile, -1) {
		rules = append(rules, r[1])
	}
	listed := help(t)
	for _, list := range [][]string{phony, rules, listed} {
		slices.Sort(list)
	}
	if !slices.Equal(listed, phony) || !slices.Equal(rules, phony) {
		t.Errorf("make help lists %q\n.PHONY has %q\nthe rules are %q", listed, phony, rules)
	}
	for _, want := range []string{"build", "demo", "test", "check", "fuzz", "bench", "pack", "docs", "clean"} {
		if !slices.Contains(listed, want) {
			t.Errorf("make help doesn't list %s", want)
		}
	}
}

// TestSetupWithoutRoot runs setup.sh as if nothing were installed and the
// person weren't root: it must print the one line to run, and fail.
func TestSetupWithoutRoot(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	for name, text := range map[string]string{
		"go":      "#!/bin/sh\necho amd64\n",
		"id":      "#!/bin/sh\necho 1000\n",
		"apt-get": "#!/bin/sh\necho apt-get was run >&2\nexit 9\n",
		"gcc":     "#!/bin/sh\necho libc.a\n", // no static libc
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	for target, packages := range map[string]string{
		"build":           "libc6-dev",
		"pack":            "libc6-dev gcc-aarch64-linux-gnu",
		"bench-sweep":     "libc6-dev",
		"bench-transport": "libc6-dev openssh-client",
	} {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "setup.sh", target)
		cmd.Env = []string{"PATH=" + bin}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("setup.sh %s: %v\n%s", target, err, out)
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		last := lines[len(lines)-1]
		if !strings.Contains(last, "sudo apt-get update && sudo apt-get install -y") || !strings.Contains(last, packages) {
			t.Errorf("setup.sh %s ends with %q, want the line to run, with %s", target, last, packages)
		}
	}
}

// TestPackKeepsTheUsersRules packs with stand-ins for the compiler: where the
// other architecture's is missing, its pack is left out and the rules that the
// user put there stay.
func TestPackKeepsTheUsersRules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pack := filepath.Join(dir, "dist/pack")
	mine := "custom-signatures/yara/mine.yar"
	for name, text := range map[string]string{
		filepath.Join(dir, "go"):                    "#!/bin/sh\necho amd64\n",
		filepath.Join(dir, "scripts/pack.sh"):       read(t, "scripts/pack.sh"),
		filepath.Join(pack, "linux-amd64", mine):    "amd64",
		filepath.Join(pack, "linux-arm64", mine):    "arm64",
		filepath.Join(pack, "linux-arm64/thorscan"): "an older one",
		filepath.Join(dir, "scripts/thorscan.sh"): `#!/bin/sh
[ "$2" = amd64 ] || exit 3
mkdir -p bin && printf '#!/bin/sh\n' >"$3" && chmod +x "$3"
`,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil { //nolint:gosec // programs
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "scripts/pack.sh", "v1", "amd64", "arm64")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "left out: the pack for linux/arm64") {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		if data, err := os.ReadFile(filepath.Join(pack, "linux-"+arch, mine)); err != nil || string(data) != arch {
			t.Errorf("the user's rule for %s: %q, %v", arch, data, err)
		}
		_, err := os.Stat(filepath.Join(pack, "linux-"+arch, "thorscan"))
		if (err == nil) != (arch == "amd64") {
			t.Errorf("the scanner for %s: %v", arch, err)
		}
	}
}

// TestSetupAsksForNothingThatIsThere holds that a prepared machine stays
// offline: this one has what the tests need, since they are running on it.
func TestSetupAsksForNothingThatIsThere(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	used := filepath.Join(bin, "used")
	if err := os.WriteFile(filepath.Join(bin, "apt-get"), []byte("#!/bin/sh\n: >'"+used+"'\nexit 9\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "setup.sh", "build")
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("setup.sh build: %v\n%s", err, out)
	}
	if _, err := os.Stat(used); err == nil {
		t.Error("apt-get was run though nothing is missing")
	}
}

func TestLicence(t *testing.T) {
	t.Parallel()
	text := read(t, "LICENSE")
	for _, part := range []string{"Apache License", "Version 2.0, January 2004", "END OF TERMS AND CONDITIONS"} {
		if !strings.Contains(text, part) {
			t.Errorf("LICENSE lacks %q", part)
		}
	}
}

// TestToolsArePinned holds the linters in a module of their own, so that they
// never reach what the programs are built from.
func TestToolsArePinned(t *testing.T) {
	t.Parallel()
	tools := read(t, "tools/go.mod")
	for _, module := range []string{"github.com/golangci/golangci-lint/v2", "golang.org/x/vuln"} {
		if !regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(module) + ` v\d+\.\d+\.\d+`).MatchString(tools) {
			t.Errorf("tools/go.mod pins no version of %s", module)
		}
		if strings.Contains(read(t, "go.mod"), module) {
			t.Errorf("%s is in the programs' own go.mod", module)
		}
	}
	for _, name := range []string{"Makefile", ".ci/run", "scripts/setup.sh", "scripts/check.sh", "scripts/pack.sh"} {
		if strings.Contains(read(t, name), "@latest") {
			t.Errorf("%s fetches @latest: it would need the network, and drift", name)
		}
	}
}
