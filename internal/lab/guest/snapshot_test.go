package guest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	const tail = " S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 0 0"
	for _, c := range []struct {
		line string
		want Process
	}{
		{"42 (sh)" + tail, Process{PID: 42, PPID: 7, SID: 42, State: "S", Name: "sh", Start: 98765}},
		{"42 (a) S 1 (b c)" + tail + "\n", Process{PID: 42, PPID: 7, SID: 42, State: "S", Name: "a) S 1 (b c", Start: 98765}},
	} {
		got, err := parseStat(c.line)
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%q: %v\n%s", c.line, err, cmp.Diff(c.want, got))
		}
	}
	for _, line := range []string{"", "42 sh S 7", "42 )sh(" + tail, "x (sh)" + tail, "42 (sh) S 7 42", "42 (sh)" + strings.Replace(tail, "98765", "-1", 1)} {
		if got, err := parseStat(line); err == nil {
			t.Errorf("%q is taken for %+v", line, got)
		}
	}
}

func TestParseMount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line string
		want Mount
	}{
		{
			"36 35 98:0 /mnt1 /mnt/temp_ram rw,noatime master:1 - ramfs none rw,size=60m\n",
			Mount{ID: 36, Path: "/mnt/temp_ram", Type: "ramfs", Source: "none", Options: "rw,noatime,rw,size=60m"},
		},
		{
			`36 35 98:0 / /mnt/a\040b\134c rw - ext3 /dev/root\011x rw`,
			Mount{ID: 36, Path: `/mnt/a b\c`, Type: "ext3", Source: "/dev/root\tx", Options: "rw,rw"},
		},
		{
			"36 35 98:0 / /mnt rw - tmpfs  rw",
			Mount{ID: 36, Path: "/mnt", Type: "tmpfs", Options: "rw,rw"},
		},
	} {
		got, err := parseMount(c.line)
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%q: %v\n%s", c.line, err, cmp.Diff(c.want, got))
		}
	}
	for _, line := range []string{"", "36 35 98:0 / /mnt rw ramfs none rw", "x 35 98:0 / /mnt rw - ramfs none rw", "36 35 - ramfs none rw", "36 35 98:0 / /mnt rw - ramfs"} {
		if got, err := parseMount(line); err == nil {
			t.Errorf("%q is taken for %+v", line, got)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(own))
	f.Add("1 (a) b) S 1 1 1")
	f.Add(")(")
	f.Fuzz(func(t *testing.T, line string) {
		if p, err := parseStat(line); err == nil && !strings.Contains(line, "("+p.Name+")") {
			t.Errorf("%q: the name %q isn't in it", line, p.Name)
		}
	})
}

func FuzzParseMount(f *testing.F) {
	own, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(own)) {
		f.Add(line)
	}
	f.Add(`1 2 3 4 \04 rw - a \999 c`)
	f.Fuzz(func(t *testing.T, line string) {
		if m, err := parseMount(line); err == nil && (m.Path == "" || m.Type == "") {
			t.Errorf("%q: no path or type in %+v", line, m)
		}
	})
}

func TestDiff(t *testing.T) {
	t.Parallel()
	before := &Snapshot{
		Processes: []Process{{PID: 5, Start: 1, Name: "sshd", State: "S"}},
		Mounts:    []Mount{{ID: 1, Path: "/", Type: "ext4"}, {ID: 2, Path: "/mnt/old", Type: "tmpfs"}},
		Files:     []string{"/tmp/kept", "/tmp/removed"},
	}
	after := &Snapshot{
		// The same number, and another process.
		Processes: []Process{{PID: 5, Start: 9, Name: "sleep", Args: []string{"sleep", "1"}, State: "S"}, {PID: 6, Start: 9, Name: "dead", State: "Z"}},
		// One more on the same path.
		Mounts: []Mount{{ID: 1, Path: "/", Type: "ext4"}, {ID: 3, Path: "/", Type: "ramfs"}},
		Files:  []string{"/tmp/kept", "/tmp/new"},
	}
	want := []string{
		"+ file /tmp/new",
		"+ mount ramfs on /",
		"+ process 5 (S) sleep 1",
		"+ process 6 (Z) [dead]",
		"- file /tmp/removed",
		"- mount tmpfs on /mnt/old",
	}
	if diff := cmp.Diff(want, before.Diff(after)); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if diff := after.Diff(after); len(diff) != 0 {
		t.Errorf("a snapshot differs from itself: %v", diff)
	}
}
