package action

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSetup(t *testing.T) {
	t.Parallel()
	said := func(words ...string) string {
		out, err := exec.Command(words[0], words[1:]...).Output()
		if err != nil {
			t.Fatalf("%v: %v", words, err)
		}
		return strings.TrimSpace(string(out))
	}
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	short, _, _ := strings.Cut(name, ".")
	eachShell(t, func(t *testing.T, h *host) {
		h.trips.take()
		r := h.run(t, "setup", map[string]any{"gather_subset": []any{"all"}})
		if n := h.trips.take(); n != 1 {
			t.Errorf("%d round trips", n)
		}
		if r.Failed || r.Changed {
			t.Fatalf("got %+v", r)
		}
		for fact, want := range map[string]any{
			"ansible_architecture": said("uname", "-m"), "ansible_system": "Linux", "ansible_kernel": said("uname", "-r"),
			"ansible_nodename": name, "ansible_hostname": short, "ansible_user_id": said("id", "-un"), "ansible_user_uid": os.Getuid(),
			"ansible_user_gid": os.Getgid(), "ansible_processor_nproc": runtime.NumCPU(),
		} {
			if r.Facts[fact] != want {
				t.Errorf("%s is %#v, want %#v", fact, r.Facts[fact], want)
			}
		}
		for _, fact := range []string{"ansible_distribution", "ansible_distribution_version", "ansible_distribution_major_version", "ansible_os_family", "ansible_fqdn"} {
			if s, _ := r.Facts[fact].(string); s == "" {
				t.Errorf("no %s in %v", fact, r.Facts)
			}
		}
		links, err := os.ReadDir("/sys/class/net")
		names, _ := r.Facts["ansible_interfaces"].([]any)
		if err != nil || len(names) != len(links) || !slices.Contains(names, any("lo")) {
			t.Errorf("interfaces are %v, of %v, %v", names, links, err)
		}
		if _, err := os.Stat("/etc/debian_version"); err == nil && r.Facts["ansible_pkg_mgr"] != "apt" {
			t.Errorf("pkg_mgr is %v", r.Facts["ansible_pkg_mgr"])
		}
		if s, _ := r.Facts["ansible_service_mgr"].(string); s == "" {
			t.Errorf("no service_mgr in %v", r.Facts)
		}
		total, _ := r.Facts["ansible_memtotal_mb"].(int)
		free, _ := r.Facts["ansible_memfree_mb"].(int)
		if total < 100 || free <= 0 || free > total {
			t.Errorf("memory: %d of %d MiB free", free, total)
		}
		date, _ := r.Facts["ansible_date_time"].(map[string]any)
		epoch, _ := date["epoch"].(string)
		if sec, err := strconv.ParseInt(epoch, 10, 64); err != nil || time.Since(time.Unix(sec, 0)).Abs() > time.Hour {
			t.Errorf("date_time is %v", date)
		}
		if diff := cmp.Diff(map[string]any(r.Facts), r.Values["ansible_facts"]); diff != "" {
			t.Errorf("registered facts differ:\n%s", diff)
		}
	})
}

func TestSetupFilter(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	for filter, want := range map[string][]string{
		"ansible_host*":          {"ansible_hostname"},
		"kernel":                 {"ansible_kernel"},
		"system,ansible_user_id": {"ansible_system", "ansible_user_id"},
		"none*":                  {},
	} {
		r := h.run(t, "setup", map[string]any{"filter": filter})
		if diff := cmp.Diff(want, append([]string{}, sortedKeys(r.Facts)...)); diff != "" {
			t.Errorf("%s:\n%s", filter, diff)
		}
	}
	if r := h.run(t, "setup", map[string]any{"filter": "*"}); len(r.Facts) < 20 {
		t.Errorf("filter * gives %d facts", len(r.Facts))
	}
}

func TestFactsOfDistributions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		raw  map[string]string
		want [4]string // distribution, version, major, family
	}{
		"debian":   {map[string]string{"os_ID": "debian", "os_VERSION_ID": `"12"`, "debian_version": "12.5"}, [4]string{"Debian", "12.5", "12", "Debian"}},
		"ubuntu":   {map[string]string{"os_ID": "ubuntu", "os_VERSION_ID": `"22.04"`, "debian_version": "bookworm/sid", "os_ID_LIKE": "debian"}, [4]string{"Ubuntu", "22.04", "22", "Debian"}},
		"centos 7": {map[string]string{"os_ID": `"centos"`, "os_VERSION_ID": `"7"`, "redhat_release": "CentOS Linux release 7.9.2009 (Core)"}, [4]string{"CentOS", "7.9.2009", "7", "RedHat"}},
		"rhel":     {map[string]string{"os_ID": "rhel", "os_VERSION_ID": `"9.3"`, "redhat_release": "Red Hat Enterprise Linux release 9.3 (Plow)"}, [4]string{"RedHat", "9.3", "9", "RedHat"}},
		"leap":     {map[string]string{"os_ID": "opensuse-leap", "os_VERSION_ID": "15.5", "os_ID_LIKE": `"suse opensuse"`}, [4]string{"openSUSE Leap", "15.5", "15", "Suse"}},
		"alpine":   {map[string]string{"os_ID": "alpine", "os_VERSION_ID": "3.19.1"}, [4]string{"Alpine", "3.19.1", "3", "Alpine"}},
		"a child":  {map[string]string{"os_ID": "mx", "os_NAME": `"MX \"Linux\""`, "os_VERSION_ID": "23", "os_ID_LIKE": "x debian"}, [4]string{`MX "Linux"`, "23", "23", "Debian"}},
		"nothing":  {map[string]string{"system": "Linux"}, [4]string{"Linux", "", "", "Linux"}},
	} {
		f := factsOf(test.raw)
		got := [4]string{}
		for i, key := range []string{"distribution", "distribution_version", "distribution_major_version", "os_family"} {
			got[i], _ = f["ansible_"+key].(string)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestFactsOfNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ node, hosts, short, fqdn, domain string }{
		{"web1", "", "web1", "web1", ""},
		{"web1", "web1.example.org", "web1", "web1.example.org", "example.org"},
		{"web1.lan", "web1.example.org", "web1", "web1.lan", "lan"},
		{"bad\xff", "", "bad\uFFFD", "bad\uFFFD", ""},
	} {
		f := factsOf(map[string]string{"nodename": test.node, "fqdn": test.hosts})
		if f["ansible_hostname"] != test.short || f["ansible_fqdn"] != test.fqdn || f["ansible_domain"] != test.domain {
			t.Errorf("%+v: %v", test, f)
		}
	}
}

func TestDateTime(t *testing.T) {
	t.Parallel()
	d := dateTime("1700000000:2023:11:15:00:13:20:+0200:EET")
	for k, want := range map[string]any{
		"epoch": "1700000000", "iso8601": "2023-11-14T22:13:20Z", "date": "2023-11-15", "time": "00:13:20", "year": "2023", "month": "11", "day": "15",
		"hour": "00", "minute": "13", "second": "20", "tz": "EET", "tz_offset": "+0200", "weekday": "Wednesday", "weekday_number": "3",
		"iso8601_basic_short": "20231115T001320",
	} {
		if d[k] != want {
			t.Errorf("%s is %v, want %v", k, d[k], want)
		}
	}
	for _, bad := range []string{"", "x", "1:2:3:4:5:6:7:8:9", "a:2023:11:15:00:13:20:+0200:EET"} {
		if d := dateTime(bad); d != nil {
			t.Errorf("%q: %v", bad, d)
		}
	}
}

func TestCountCPUs(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]int{"0": 1, "0-3": 4, "0-3,8,10-11": 7, "": 0, "x": 0, "3-1": 0, "0-99999999": 0} {
		if n := countCPUs(list); n != want {
			t.Errorf("%q: %d, want %d", list, n, want)
		}
	}
}

// FuzzFactsOf: a host can say anything.
func FuzzFactsOf(f *testing.F) {
	f.Add("os_VERSION_ID", "\"12", "date", "::::::::")
	f.Add("cpus", "0-18446744073709551615", "MemTotal", "-1")
	f.Add("nodename", "...", "uptime", ".")
	f.Add("os_ID", `"`, "debian_version", "1.")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		for name := range factsOf(map[string]string{k1: v1, k2: v2}) {
			if !strings.HasPrefix(name, "ansible_") {
				t.Errorf("a fact is named %q", name)
			}
		}
	})
}
