package inventory_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thordeploy/inventory"
)

const fleet = `
all:
  hosts:
    h0:
    h1:
    2001:db8::1:
  children:
    alpha:
      hosts: {a1: , "w[01:03].x": }
      children:
        sub:
          hosts: {s1: , a1: }
    web:
      hosts: {h1: , both: }
    empty:
  vars: {v: all}
both:
  hosts: {s1: }
`

func fleetOf(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv, list := inventory.Load([]string{write(t, "hosts.yml", fleet)})
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	return inv
}

// TestSelect holds patterns to what `ansible --list-hosts` of ansible-core
// 2.14 gives, in inventory order; but a comma inside the braces of a ~regex
// doesn't split it here.
func TestSelect(t *testing.T) {
	t.Parallel()
	inv := fleetOf(t)
	const every = "h0 h1 2001:db8::1 a1 w01.x w02.x w03.x s1 both"
	tests := []struct{ pattern, want, unknown string }{
		{"all", every, ""},
		{"*", every, ""},
		{"h1", "h1", ""},
		{"h1,h0", "h0 h1", ""},
		{" h1 , h0 ", "h0 h1", ""},
		{"h0:web", "h0 h1 both", ""},
		{"alpha", "a1 w01.x w02.x w03.x s1", ""},
		{"alpha:&sub", "a1 s1", ""},
		{"alpha,!sub", "w01.x w02.x w03.x", ""},
		{"!sub:alpha", "w01.x w02.x w03.x", ""},
		{"!a1,&sub,alpha", "s1", ""},
		{"&sub", "a1 s1", ""},
		{"!alpha", "h0 h1 2001:db8::1 both", ""},
		{"w0*", "w01.x w02.x w03.x", ""},
		{"w0?.x,!w02*", "w01.x w03.x", ""},
		{"h[!0]", "h1", ""},
		{"[hw]0*", "h0 w01.x w02.x w03.x", ""},
		{"al*", every, ""},
		{"~h[0-9]$", "h0 h1", ""},
		{"~(a|s)1", "a1 s1", ""},
		{`~w\d{1,2}:!w01.x`, "w02.x w03.x", ""},
		{"~s", "a1 s1", ""},
		{"alpha[0]", "a1", ""},
		{"alpha[-1]", "s1", ""},
		{"alpha[1:2]", "w01.x w02.x", ""},
		{"alpha[1-2]", "w01.x w02.x", ""},
		{"alpha[3:]", "w03.x s1", ""},
		{"alpha[0:0]", "a1", ""},
		{"sub[0]", "s1", ""},
		{"all[0]", "h0", ""},
		{"w*[1]", "both", ""},
		{"alpha[4:99]", "s1", ""},
		{"alpha[9]", "", "alpha[9]"},
		{"alpha[-9]", "", "alpha[-9]"},
		{"alpha[2:1]", "", "alpha[2:1]"},
		{"2001:db8::1", "2001:db8::1", ""},
		{"h0,2001:db8::1", "h0 2001:db8::1", ""},
		{"ungrouped", "h0 2001:db8::1", ""},
		{"both", "both", ""},
		{"empty", "", ""},
		{"nope", "", "nope"},
		{"h0,nope,!gone", "h0", "nope gone"},
		{"localhost", "localhost", ""},
		{"h0:localhost", "h0 localhost", ""},
		{"all:!localhost", every, ""},
		{"h0:localhost:!localhost", "h0", ""},
		{"h0:localhost:&localhost", "localhost", ""},
	}
	for _, tt := range tests {
		hosts, unknown, err := inv.Select(tt.pattern)
		if err != nil || names(hosts) != tt.want || strings.Join(unknown, " ") != tt.unknown {
			t.Errorf("%s: got %q, unknown %q, error %v; want %q and %q", tt.pattern, names(hosts), unknown, err, tt.want, tt.unknown)
		}
	}
}

func TestBadPatterns(t *testing.T) {
	t.Parallel()
	inv := fleetOf(t)
	for pattern, want := range map[string]string{
		"":                          "is empty",
		" , ":                       "is empty",
		"~(a":                       "not a regular expression",
		"~a(?=b)":                   "look-around",
		"h[b-a]":                    "not a glob",
		"all[99999999999999999999]": "too large",
	} {
		hosts, _, err := inv.Select(pattern)
		if err == nil || !strings.Contains(err.Error(), want) || len(hosts) > 0 {
			t.Errorf("%q: got %q and error %v, want %q", pattern, names(hosts), err, want)
		}
	}
}

func TestImplicitLocalhostRunsWithoutSSH(t *testing.T) {
	t.Parallel()
	hosts, _, err := fleetOf(t).Select("localhost")
	if err != nil || len(hosts) != 1 {
		t.Fatalf("got %v, %v", hosts, err)
	}
	c, err := hosts[0].Connection()
	if err != nil || c.Kind != "local" || hosts[0].Vars["v"] != "all" {
		t.Errorf("got %v and %v with variables %v", c, err, hosts[0].Vars)
	}
	inv := load(t, "hosts", "localhost ansible_host=10.0.0.1\n")
	hosts, _, err = inv.Select("localhost")
	if err != nil || len(hosts) != 1 || hosts[0] != inv.Hosts()[0] {
		t.Errorf("a localhost of the inventory is not the one selected: %v, %v", hosts, err)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	inv := fleetOf(t)
	hosts, _, err := inv.Select("alpha,web")
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]string{"sub": "a1 s1", "!w0*": "h1 a1 s1 both", "h0": "", "all": "h1 a1 w01.x w02.x w03.x s1 both"} {
		kept, unknown, err := inv.Limit(hosts, pattern)
		if err != nil || len(unknown) > 0 || names(kept) != want {
			t.Errorf("--limit %s: got %q, %q, %v; want %q", pattern, names(kept), unknown, err, want)
		}
	}
	local, _, err := inv.Select("localhost,h0")
	if err != nil {
		t.Fatal(err)
	}
	if kept, _, err := inv.Limit(local, "localhost"); err != nil || names(kept) != "localhost" {
		t.Errorf("--limit localhost keeps %q, %v", names(kept), err)
	}
	if _, unknown, _ := inv.Limit(hosts, "nope"); len(unknown) != 1 {
		t.Errorf("unknown is %q", unknown)
	}
	if _, _, err := inv.Limit(hosts, "~("); err == nil || !strings.Contains(err.Error(), "--limit") {
		t.Errorf("error is %v", err)
	}
}

func TestReadLimit(t *testing.T) {
	t.Parallel()
	path := write(t, "retry.txt", "h1\n\n# comment\r\n  w0*\r\n")
	got, err := inventory.ReadLimit("h0,@" + path + ",!w01.x")
	if want := "h0,h1,w0*,!w01.x"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if got, err := inventory.ReadLimit("a:b"); err != nil || got != "a:b" {
		t.Errorf("got %q, %v", got, err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("# none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]string{
		"@/nowhere/x":     "can't be opened",
		"@" + t.TempDir(): "not a file",
		"@/dev/zero":      "not a file",
		"@":               "a file's name",
		"@" + empty:       "names no host",
	} {
		if _, err := inventory.ReadLimit(pattern); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), pattern) {
			t.Errorf("%s: error is %v, want %q", pattern, err, want)
		}
	}
}
