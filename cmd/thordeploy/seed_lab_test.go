package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
	"thordeploy/scanner/samples"
)

// reports gives the text of a report by host, and fails the test for a host
// without one.
func reports(t *testing.T, dir, name string, hosts []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, h := range hosts {
		text, err := os.ReadFile(filepath.Join(dir, h, name))
		if err != nil {
			t.Errorf("no report of %s: %v", h, err)
		}
		out[h] = string(text)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", name))
	if err != nil || len(found) != len(hosts) {
		t.Errorf("%d reports %s of %d hosts, %v", len(found), name, len(hosts), err)
	}
	return out
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, mode); err != nil {
		t.Fatal(err)
	}
}

func names(l *lab.Lab) []string {
	var out []string
	for _, h := range l.Hosts {
		out = append(out, h.Name)
	}
	return out
}

// seedPlaybook is the playbook that everything began with, its lost indentation
// put back and its faults left in: the published text where it is beside the
// checkout, else our own in the same shape.
func seedPlaybook(t *testing.T, to string) {
	t.Helper()
	from := "../../../shared/seed/thor-playbook-indented.yml"
	if _, err := os.Stat(from); err != nil {
		from = "../../playbook/testdata/seed/thor.yml"
	}
	copyFile(t, from, to, 0o644)
}

// With a pack that has both of the names that the seed uses.
func TestSeed(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 20})
	labtest.LeavesNothing(t, l)
	dir := t.TempDir()
	seedPlaybook(t, filepath.Join(dir, "playbooks/thor.yml"))
	for _, name := range []string{"thor64", "thor-x64"} {
		write(t, dir, "thor-linux-pack/"+name, "#!/bin/sh\n[ \"$1\" = -l ] && echo \""+name+" on $(hostname)\" >\"$2\"\n")
	}
	write(t, dir, "thor-linux-pack/signatures/rules.yas", strings.Repeat("rule\n", 1000))
	d := start(t, dir, "-f", "20", "-i", l.Inventory, "playbooks/thor.yml")
	d.ends(0, "ignore_warnings", "20 files fetched from 20 hosts to "+dir+"/thoransible-output")
	if n := strings.Count(d.out.String(), ": ok=9    changed=9    unreachable=0    failed=0"); n != 20 {
		t.Errorf("%d hosts went well:\n%s", n, d.out.String())
	}
	for host, text := range reports(t, filepath.Join(dir, "thoransible-output"), "thor.txt", names(l)) {
		if text != "thor64 on "+host+"\n" {
			t.Errorf("the report of %s: %q", host, text)
		}
	}
}

// Without thor-x64's namesake the seed ends at Execute THOR, before it would
// unmount.
func TestSeedsOwnFaultLeavesNothing(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	labtest.LeavesNothing(t, l)
	dir := t.TempDir()
	seedPlaybook(t, filepath.Join(dir, "playbooks/thor.yml"))
	write(t, dir, "thor-linux-pack/thor-x64", "#!/bin/sh\n")
	d := start(t, dir, "-i", l.Inventory, "playbooks/thor.yml")
	d.ends(2, "cleaned up: [host01] unmounted /mnt/temp_ram", "cleaned up: [host02] removed /mnt/temp_ram")
}

// scannerPack builds thorscan as it is shipped and makes a pack of it.
func scannerPack(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	pack := filepath.Join(dir, "linux-"+runtime.GOARCH)
	if err := os.MkdirAll(pack+"/signatures", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{
		{"scripts/thorscan.sh", "test", runtime.GOARCH, pack + "/thorscan"},
		{pack + "/thorscan", "signatures", "pack", "--out", pack + "/signatures/thor.yac", "signatures/yara"},
	} {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = "../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			labtest.Lacking(t, fmt.Errorf("making a pack: %s: %w\n%s", words[0], err, out))
		}
	}
	return dir
}

func TestShippedPlaybook(t *testing.T) {
	t.Parallel()
	pack := scannerPack(t)
	dir := t.TempDir()
	var inv, known bytes.Buffer
	var hosts []string
	inv.WriteString("all:\n  hosts:\n")
	for _, shell := range []string{"dash", "busybox", "bash"} {
		l := labtest.Start(t, lab.Options{N: 1, Shell: shell})
		keys, err := os.ReadFile(l.KnownHosts)
		if err != nil {
			t.Fatal(err)
		}
		known.Write(keys)
		fmt.Fprintf(&inv, "    %s: {ansible_host: %s, ansible_port: %d, ansible_user: root, ansible_ssh_private_key_file: %s}\n", shell, l.Hosts[0].Addr, l.Hosts[0].Port, l.Key)
		hosts = append(hosts, shell)
		eicar, ok := samples.For("Test_EICAR_File")
		if !ok {
			t.Fatal("no sample")
		}
		if shell == "busybox" {
			if _, err := l.Hosts[0].Run(t.Context(), fmt.Sprintf("printf %%s '%s' >/root/eicar.txt", strings.ReplaceAll(string(eicar.Data), "'", `'\''`))); err != nil {
				t.Fatal(err)
			}
		}
		labtest.LeavesNothing(t, l)
	}
	write(t, dir, "hosts.yml", inv.String())
	write(t, dir, "known", known.String())
	sweep := func(t *testing.T, args ...string) *deploy {
		return start(t, dir, append([]string{"-i", "hosts.yml", "--known-hosts", "known", "-e", "pack=" + pack, "-e", "reports=" + dir + "/" + t.Name()}, args...)...)
	}
	t.Run("findings are no failure", func(t *testing.T) {
		d := sweep(t, "-e", "scan_flags='-p /root'", "builtin:thor.yml")
		d.ends(0, "finding: [busybox] ", "/root/eicar.txt", "FINDINGS ", "6 files fetched from 3 hosts")
		for host, text := range reports(t, dir+"/"+t.Name(), "thor.txt", hosts) {
			if !strings.Contains(text, "Scan complete") || strings.Contains(text, "/root/eicar.txt") != (host == "busybox") {
				t.Errorf("the report of %s:\n%s", host, text)
			}
		}
		reports(t, dir+"/"+t.Name(), "thor.json", hosts)
	})
	t.Run("fail on them", func(t *testing.T) {
		sweep(t, "--fail-on", "warning", "-e", "scan_flags='-p /root'", "builtin:thor.yml").ends(10, "failed=0", "FINDINGS ")
	})
	t.Run("out of time", func(t *testing.T) {
		d := sweep(t, "-e", "scan_hours=0.0005", "-e", "scan_flags='-p /root -p /usr -p / --all-mounts'", "builtin:thor.yml")
		d.ends(2, "6 files fetched from 3 hosts")
		for _, h := range hosts {
			d.says("failed", h, "Scan: timed out after 1.8", "hint: ")
		}
		for host, text := range reports(t, dir+"/"+t.Name(), "thor.txt", hosts) {
			if !strings.Contains(text, "interrupted") || strings.Contains(text, "/root/eicar.txt") != (host == "busybox") {
				t.Errorf("the partial report of %s:\n%s", host, text)
			}
		}
	})
}

// failed_when of the shipped playbook looks at the exit code, and a scanner
// that can't be started has none.
func TestShippedPlaybookWithABrokenPack(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1})
	check := labtest.LeavesNothing(t, l)
	dir := t.TempDir()
	write(t, dir, "foreign/linux-"+runtime.GOARCH+"/thorscan", otherMachine())
	if err := os.Chmod(dir+"/foreign/linux-"+runtime.GOARCH+"/thorscan", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "plain/linux-"+runtime.GOARCH+"/thorscan", "#!/bin/sh\n")
	write(t, dir, "none/linux-"+runtime.GOARCH+"/signatures/thor.yac", "rules")
	write(t, dir, "other/linux-riscv64/thorscan", "")
	write(t, dir, "died/linux-"+runtime.GOARCH+"/thorscan", "#!/bin/sh\nexit 2\n")
	if err := os.Chmod(dir+"/died/linux-"+runtime.GOARCH+"/thorscan", 0o755); err != nil {
		t.Fatal(err)
	}
	for pack, texts := range map[string][]string{
		"foreign": {"Scan: Exec format error: ./thorscan is built for ", "hint: "},
		"plain":   {"Scan: ./thorscan is not executable", "hint: "},
		"none":    {"Scan: no such program: ./thorscan", "hint: "},
		"died":    {"Scan: ", "rc: 2"}, // the code of findings, but nothing was scanned
		"other":   {"Copy the pack to the RAM drive: ", "/linux-" + runtime.GOARCH + "/\" is not there", "-e pack=FOLDER"},
	} {
		t.Run(pack, func(t *testing.T) {
			d := start(t, dir, "-i", l.Inventory, "-e", "pack="+pack, "builtin:thor.yml")
			d.ends(2, "failed=1")
			d.says("failed", "host01", append(texts, "at: builtin:thor.yml:")...)
			check()
		})
	}
}

// A second sweep of a host leaves the first one's drive, reports and scanner
// alone, and says what is there.
func TestOneSweepAtATimeOnAHost(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1})
	labtest.LeavesNothing(t, l)
	dir := t.TempDir()
	scanner := dir + "/pack/linux-" + runtime.GOARCH + "/thorscan"
	write(t, dir, "pack/linux-"+runtime.GOARCH+"/thorscan", "#!/bin/sh\necho first >thor.txt\n: >/tmp/scanning\n"+
		"while ! [ -e /tmp/go ]; do sleep 0.1; done\nrm /tmp/scanning /tmp/go\necho '{\"state\":\"complete\"}'\n")
	if err := os.Chmod(scanner, 0o755); err != nil {
		t.Fatal(err)
	}
	first := start(t, dir, "-i", l.Inventory, "-e", "pack=pack", "-e", "reports=first", "builtin:thor.yml")
	if out, err := l.Hosts[0].Run(t.Context(), "i=0; while ! [ -e /tmp/scanning ]; do i=$((i+1)); [ $i -lt 300 ] || exit 1; sleep 0.1; done"); err != nil {
		t.Fatal(err, string(out))
	}
	second := start(t, dir, "-i", l.Inventory, "-e", "pack=pack", "-e", "reports=second", "builtin:thor.yml")
	second.ends(2, "failed=1")
	second.says("failed", "host01", "/mnt/temp_ram is a RAM drive already: another sweep is on this host")
	if out, err := l.Hosts[0].Run(t.Context(), ": >/tmp/go"); err != nil {
		t.Fatal(err, string(out))
	}
	first.ends(0, "failed=0")
	if text := reports(t, dir+"/first", "thor.txt", names(l))["host01"]; text != "first\n" {
		t.Errorf("the first sweep's report: %q", text)
	}
	if _, err := os.Stat(dir + "/second"); err == nil {
		t.Error("the second sweep fetched something")
	}
}

// vendorScript stands for the vendor's scanner: it wants its licence, says
// where it runs, and finds nothing.
const vendorScript = `#!/bin/sh
[ -e demo.lic ] || { echo "no valid licence" >&2; exit 1; }
while [ $# -gt 1 ]; do
	case $1 in
	-l | --htmlfile | --jsonfile) echo "thor on $(hostname)" >"$2"; shift ;;
	esac
	shift
done
`

func TestVendorsPlaybook(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 2})
	labtest.LeavesNothing(t, l)
	dir := t.TempDir()
	write(t, dir, "thor-linux-pack/thor-linux-64", vendorScript)
	write(t, dir, "work/hosts", "")
	work := filepath.Join(dir, "work")
	start(t, work, "-i", l.Inventory, "builtin:thor-nextron.yml").
		ends(2, "failed: [host01] Execute THOR", "stderr: no valid licence", "rc: 1", "host02                     : ok=7 ")
	write(t, dir, "thor-linux-pack/demo.lic", "licence")
	start(t, work, "-i", l.Inventory, "builtin:thor-nextron.yml").
		ends(0, "6 files fetched from 2 hosts to "+dir+"/thoransible-output")
	for _, name := range []string{"thor.txt", "thor.html", "thor.json"} {
		for host, text := range reports(t, filepath.Join(dir, "thoransible-output"), name, names(l)) {
			if text != "thor on "+host+"\n" {
				t.Errorf("%s of %s: %q", name, host, text)
			}
		}
	}
}
