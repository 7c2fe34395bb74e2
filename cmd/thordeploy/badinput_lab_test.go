package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

// What goes wrong on hosts, each in its own way: a clear message, the others
// done, nothing left. What is wrong before any host is reached is in
// testdata/badinput.txtar.

// told is what the output says of a host's failure: its line and the indented
// ones below it.
func (d *deploy) told(status, host string) string {
	var block []string
	for line := range strings.Lines(d.out.String()) {
		switch {
		case strings.HasPrefix(line, status+": ["+host+"] "):
			block = append(block, line)
		case len(block) > 0 && strings.HasPrefix(line, "  "):
			block = append(block, line)
		case len(block) > 0:
			return strings.Join(block, "")
		}
	}
	return strings.Join(block, "")
}

// says fails the test unless the block of a host's failure has each text.
func (d *deploy) says(status, host string, texts ...string) {
	d.t.Helper()
	block := d.told(status, host)
	for _, text := range texts {
		if !strings.Contains(block, text) {
			d.t.Errorf("%s: no %q in what is said of its failure:\n%s", host, text, block)
		}
	}
}

// varied is a sweep whose parts differ by host, see hostVars.
const varied = `
- hosts: all
  tasks:
    - mkdir: "{{ ram }}"
    - mount: {path: "{{ ram }}", fstype: ramfs, opts: "{{ opts }}", state: ephemeral}
    - copy: {src: "{{ pack }}", dest: "{{ ram }}/"}
    - block:
        - {name: Scan, command: "{{ scan }}", args: {chdir: "{{ ram }}"}, timeout: "{{ limit }}"}
      always:
        - fetch: {src: "{{ ram }}/report", dest: "{{ reports }}/{{ inventory_hostname }}/report", flat: true, fail_on_missing: false}
        - unmount: {path: "{{ ram }}", remove: true}
`

// whole is the recap's beginning for a host that varied went well on.
func wholeRecap(host string) string {
	return fmt.Sprintf("%-26s : ok=6    changed=6    unreachable=0    failed=0", host)
}

// hostVars is an inventory with the variables of varied, some hosts having
// their own.
func hostVars(t *testing.T, dir string, vars map[string]string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("all:\n  vars: {ram: /mnt/temp_ram, pack: pack/, opts: size=10M, scan: cp /etc/hostname report, limit: 60, reports: reports}\n  hosts:\n")
	for host, v := range vars {
		fmt.Fprintf(&b, "    %s: {%s}\n", host, v)
	}
	return write(t, dir, "vars.yml", b.String())
}

// otherMachine is the head of a program for another architecture than this
// machine's, and for none that emulators of other tests run.
func otherMachine() string {
	head := make([]byte, 64)
	copy(head, "\x7fELF\x02\x01\x01") // 64 bits, little-endian, version 1
	const executable, powerPC64 = 2, 21
	for at, v := range map[int]uint16{16: executable, 18: powerPC64, 52: 64} {
		binary.LittleEndian.PutUint16(head[at:], v)
	}
	return string(head)
}

// variedDir is a folder with the playbook varied and its packs.
func variedDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "sweep.yml", varied)
	write(t, dir, "pack/tool", "#!/bin/sh\necho hello\n")
	write(t, dir, "pack/foreign", otherMachine())
	for name, mode := range map[string]os.FileMode{"pack/foreign": 0o755, "empty": 0o755} {
		if err := os.MkdirAll(filepath.Join(dir, "empty"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "large/file", strings.Repeat("0123456789abcdef", 256<<10/16))
	return dir
}

func TestEachHostFailsInItsOwnWay(t *testing.T) {
	t.Parallel()
	dir := variedDir(t)
	faults := []struct {
		vars  string
		texts []string
	}{
		{"pack: nosuch/", []string{"copy: ", "\"nosuch/\" is not there (looked at " + dir + "/files/nosuch, " + dir + "/nosuch)", "at: sweep.yml:6:", "hint: "}},
		{"pack: empty/", []string{"copy: ", "empty", "at: sweep.yml:6:", "hint: "}},
		{"pack: large/, opts: size=100k", []string{"copy: the RAM drive /mnt/temp_ram is too small: 256.0 KiB are to be copied, it has 100.0 KiB; nothing was sent", "hint: raise size="}},
		{"opts: size=900000G", []string{"mount: a RAM drive of 878.9 TiB does not fit on /mnt/temp_ram: the host has ", "hint: ask for a smaller size="}},
		{"opts: size=lots", []string{"mount: size= must be a number of bytes", "hint: for example size=60M"}},
		{"ansible_user: ops, ram: /tmp/temp_ram", []string{"mount: ", "root", "hint: ", "become: true", "at: sweep.yml:5:"}},
		{"scan: ./tool", []string{"Scan: ./tool is not executable", "executable bit", "hint: ", `mode: "0755"`}},
		{"scan: ./foreign", []string{"Scan: Exec format error: ./foreign is built for ", "the host is ", "hint: copy the build for the host's architecture"}},
		{"scan: nosuch-scanner", []string{"Scan: no such program: nosuch-scanner", "hint: "}},
		{"scan: '{{ nosuch }}'", []string{"Scan: ", "variable `nosuch` is undefined (in a variable of host host10)", "at: sweep.yml:8:", "hint: "}},
		{"scan: sh -c 'echo why >&2; exit 3'", []string{"Scan: non-zero return code", "stderr: why", "rc: 3", "at: sweep.yml:8:"}},
		{"scan: sleep 300, limit: 1", []string{"Scan: timed out after 1", "hint: "}},
		{`scan: 'sh -c "printf \"a\\377\\376b\\033[2J\" >&2; exit 1"'`, []string{"Scan: non-zero", "stderr: a", "at: sweep.yml:8:"}},
	}
	l := labtest.Start(t, lab.Options{N: len(faults) + 1, Accounts: []lab.Account{{Name: "ops", Sudo: lab.SudoFree}}})
	labtest.LeavesNothing(t, l)
	vars := map[string]string{}
	for i, f := range faults {
		vars[l.Hosts[i].Name] = f.vars
	}
	d := start(t, dir, "-f", "20", "-i", l.Inventory, "-i", hostVars(t, dir, vars), "sweep.yml")
	good := l.Hosts[len(faults)].Name
	d.ends(2, wholeRecap(good), "1 file fetched from 1 host")
	for i, f := range faults {
		d.says("failed", l.Hosts[i].Name, f.texts...)
	}
	for _, raw := range []string{"\x1b", "\xff"} {
		if strings.Contains(d.out.String(), raw) {
			t.Errorf("%q of a host came out as it was", raw)
		}
	}
}

// The seed mounts with a command; its size= counts all the same.
func TestNothingIsSentToADriveThatIsTooSmall(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	labtest.LeavesNothing(t, l)
	dir := variedDir(t)
	write(t, dir, "small.yml", `
- hosts: all
  tasks:
    - command: mkdir /mnt/temp_ram creates=/mnt/temp_ram
    - command: mount -t ramfs -o size={{ size }} ramfs /mnt/temp_ram/
    - block:
        - {name: Copy THOR, copy: src=large/ dest=/mnt/temp_ram/}
      always:
        - {name: Look, shell: "find /mnt/temp_ram -mindepth 1 | wc -l", register: files}
        - {debug: {msg: "{{ files.stdout }} files were sent"}}
    - command: umount /mnt/temp_ram
    - command: rmdir /mnt/temp_ram
`)
	vars := hostVars(t, dir, map[string]string{"host01": "size: 100K", "host02": "size: 1M"})
	d := start(t, dir, "-i", l.Inventory, "-i", vars, "small.yml")
	d.ends(2, "host02                     : ok=7", "cleaned up: [host01] unmounted /mnt/temp_ram")
	d.says("failed", "host01", "Copy THOR: the RAM drive /mnt/temp_ram is too small", "nothing was sent", "hint: raise size=", "at: small.yml:7:")
	d.says("ok", "host01", "0 files were sent")
	d.says("ok", "host02", "1 files were sent")
}

func TestHostDiesInACopy(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	labtest.LeavesNothing(t, l)
	dir := variedDir(t)
	noise := make([]byte, 200<<20)
	if _, err := rand.NewChaCha8([32]byte{}).Read(noise); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "huge/noise", string(noise))
	vars := hostVars(t, dir, map[string]string{"host01": "pack: huge/, opts: size=400M"})
	d := start(t, dir, "-i", l.Inventory, "-i", vars, "sweep.yml")
	waitFor(t, l.Hosts[0], "test -n \"$(find /mnt/temp_ram -type f -size +0)\"")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := l.Hosts[0].Freeze(ctx); err != nil { // so that the copy isn't done before the end
		t.Fatal(err)
	}
	if err := l.Hosts[0].Kill(); err != nil {
		t.Fatal(err)
	}
	d.ends(4, wholeRecap("host02"), "unreachable=1")
	d.says("unreachable", "host01", "copy: copying to /mnt/temp_ram: lost ", "the connection broke", "at: sweep.yml:6:", "hint: see whether the host is up and reachable", "--limit host01")
}

// A frozen host keeps its connection open and says nothing any more.
func TestFrozenHostIsFoundByKeepalive(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	labtest.LeavesNothing(t, l)
	dir := variedDir(t)
	vars := hostVars(t, dir, map[string]string{
		"host01": "scan: \"sh -c 'echo partial >report; sleep 300'\", ansible_ssh_extra_args: '-o ServerAliveInterval=1 -o ServerAliveCountMax=2'",
	})
	d := start(t, dir, "-i", l.Inventory, "-i", vars, "sweep.yml")
	waitFor(t, l.Hosts[0], "grep -q partial /mnt/temp_ram/report")
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	begun := time.Now()
	if err := l.Hosts[0].Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	d.ends(4, wholeRecap("host02"), "left: [host01] /mnt/temp_ram", "its guard should undo it by itself")
	d.says("unreachable", "host01", "Scan: idle", "no sign of life for 3s", "at: sweep.yml:8:", "hint: see whether the host is up")
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := l.Hosts[0].Thaw(ctx); err != nil { // and its guard cleans up
		t.Fatal(err)
	}
}

func TestFullDiskWhileFetching(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		labtest.Lacking(t, fmt.Errorf("mounting a small disk takes root"))
	}
	l := labtest.Start(t, lab.Options{N: 2})
	labtest.LeavesNothing(t, l)
	dir := variedDir(t)
	small := filepath.Join(dir, "small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	vars := hostVars(t, dir, map[string]string{"host01": "reports: small, scan: 'dd if=/dev/zero of=report bs=1M count=3'"})
	// The small disk is mounted in a namespace of the run's own.
	d := startAs(t, dir, "unshare", "-m", "sh", "-c", `mount -t tmpfs -o size=1m none small && thordeploy "$@"; code=$?; echo "left on the disk:" $(find small -type f); exit $code`,
		"sh", "-i", l.Inventory, "-i", vars, "sweep.yml")
	d.ends(2, wholeRecap("host02"), "left on the disk:\n", "cleaned up: [host01] unmounted /mnt/temp_ram")
	d.says("failed", "host01", "it has 3.0 MiB, and without max at most half of what is free here is taken", "are free at "+small, "hint: make room here", "at: sweep.yml:")
}
