package action

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSetupLocalFacts(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir() + "/a facts $(x)"
		write(t, dir+"/js.fact", `{"n": 5, "f": 1.5, "l": ["a", 2]}`, 0o644)
		write(t, dir+"/ini.fact", "# remark\n[Web]\nPort = 80\nname: a\n  b\n[DEFAULT]\nall=1\n[x]\nall=100%%\n", 0o644)
		write(t, dir+"/prog.fact", "#!/bin/sh\necho '{\"who\": \"'$0'\"}'\n", 0o755)
		write(t, dir+"/bad.fact", "nothing\n", 0o644)
		write(t, dir+"/fails.fact", "#!/bin/sh\necho oh >&2\nexit 3\n", 0o755)
		write(t, dir+"/slow.fact", "#!/bin/sh\nexec sleep 60\n", 0o755)
		write(t, dir+"/large.fact", `"`+strings.Repeat("x", maxFact)+`"`, 0o644)
		write(t, dir+"/other.txt", "{}", 0o644)
		start := time.Now()
		r := mustOK(t, h.run(t, "setup", values{"fact_path": dir, "gather_timeout": 1}), false)
		want := map[string]any{
			"js":    map[string]any{"n": 5, "f": 1.5, "l": []any{"a", 2}},
			"ini":   map[string]any{"Web": map[string]any{"port": "80", "name": "a\nb", "all": "1"}, "x": map[string]any{"all": "100%"}},
			"prog":  map[string]any{"who": dir + "/prog.fact"},
			"bad":   "error loading facts as JSON or ini - please check content: " + dir + "/bad.fact",
			"fails": "Failure executing fact script (" + dir + "/fails.fact), rc: 3, err: oh\n",
			"slow":  "Could not execute fact script (" + dir + "/slow.fact): it took more than 1s",
			"large": "error loading fact - " + dir + "/large.fact has more than " + bytesText(maxFact),
		}
		if diff := cmp.Diff(want, r.Facts["ansible_local"]); diff != "" || time.Since(start) > 30*time.Second {
			t.Errorf("after %v:\n%s", time.Since(start), diff)
		}
		// The session goes on, and a host without local facts has none.
		r = mustOK(t, h.run(t, "setup", values{"fact_path": dir + "/none"}), false)
		if diff := cmp.Diff(map[string]any{}, r.Facts["ansible_local"]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSetupTooManyLocalFacts(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	dir := t.TempDir()
	for i := range maxFacts + 1 {
		if err := os.WriteFile(fmt.Sprintf("%s/%d.fact", dir, i), []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustFail(t, h.run(t, "setup", values{"fact_path": dir}), "more than 200 local facts", "fact_path")
	mustFail(t, h.run(t, "setup", values{"fact_path": "facts"}), "absolute path")
}

func TestSetupSubset(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	const hardware, platform, user, local = "ansible_memtotal_mb", "ansible_kernel", "ansible_user_id", "ansible_local"
	for subset, want := range map[string][]string{
		"all": {hardware, platform, user, local}, "min": {platform, user, local}, "!all": {platform, user, local}, "!all,!min": {},
		"!all,!min,hardware": {hardware}, "!min,user": {user}, "hardware": {hardware, platform, user, local}, "all,!hardware": {platform, user, local},
		"all,!user": {hardware, platform, local}, "network": {platform, user, local}, "!none": {platform, user, local}, "!all,!local": {platform, user},
	} {
		r := mustOK(t, h.run(t, "setup", values{"gather_subset": subset}), false)
		got := []string{}
		for _, name := range []string{hardware, platform, user, local} {
			if _, has := r.Facts[name]; has {
				got = append(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", subset, diff)
		}
	}
	mustFail(t, h.run(t, "setup", values{"gather_subset": "hardwear"}), "Bad subset 'hardwear'", "hardware")
}

// FuzzParseFact: a host can say anything.
func FuzzParseFact(f *testing.F) {
	f.Add(`{"a": [1, 2.5, 1e999]}`)
	f.Add("[a]\nb=c\n d\n[a]\n")
	f.Add(" x\n[]\n=\n:")
	f.Fuzz(func(_ *testing.T, text string) { parseFact(text, "x") })
}
