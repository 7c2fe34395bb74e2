package action

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// factsOf words setup.sh's raw report as Ansible's facts, by their ansible_
// names. What a host didn't say is left out.
func factsOf(raw map[string]string) map[string]any {
	f := factSet{}
	for k, v := range raw {
		raw[k] = text8(v)
	}
	f.text("architecture", raw["machine"])
	f.text("machine", raw["machine"])
	f.text("system", raw["system"])
	f.text("kernel", raw["kernel"])
	f.text("kernel_version", raw["kernel_version"])
	f.text("machine_id", raw["machine_id"])
	f.text("pkg_mgr", strings.TrimSuffix(raw["pkg_mgr"], "-get"))
	f.text("service_mgr", raw["service_mgr"])
	if list := strings.Fields(raw["interfaces"]); len(list) > 0 {
		f["ansible_interfaces"] = anyList(list)
	}
	f.names(raw)
	f.distribution(raw)
	f.memory(raw)
	f.processors(raw)
	f.user(raw)
	if up, _, ok := strings.Cut(raw["uptime"], "."); ok {
		f.number("uptime_seconds", up)
	}
	if d := dateTime(raw["date"]); d != nil {
		f["ansible_date_time"] = d
	}
	return f
}

func anyList(words []string) []any {
	list := make([]any, len(words))
	for i, w := range words {
		list[i] = w
	}
	return list
}

// factSet is facts by their ansible_ names.
type factSet map[string]any

func (f factSet) text(name, v string) {
	if v != "" {
		f["ansible_"+name] = v
	}
}

func (f factSet) number(name, v string) {
	if n, err := strconv.Atoi(v); err == nil {
		f["ansible_"+name] = n
	}
}

func (f factSet) names(raw map[string]string) {
	node := raw["nodename"]
	short, domain, _ := strings.Cut(node, ".")
	f.text("nodename", node)
	f.text("hostname", short)
	full := node
	if domain == "" && raw["fqdn"] != "" {
		full = raw["fqdn"]
		_, domain, _ = strings.Cut(full, ".")
	}
	f.text("fqdn", full)
	f["ansible_domain"] = domain
}

// distributions are os-release(5) IDs and the names Ansible has for them.
var distributions = map[string]string{
	"debian": "Debian", "ubuntu": "Ubuntu", "linuxmint": "Linux Mint", "raspbian": "Debian", "kali": "Kali",
	"rhel": "RedHat", "centos": "CentOS", "rocky": "Rocky", "almalinux": "AlmaLinux", "fedora": "Fedora",
	"ol": "OracleLinux", "amzn": "Amazon", "sles": "SLES", "sled": "SLED", "opensuse-leap": "openSUSE Leap",
	"opensuse-tumbleweed": "openSUSE Tumbleweed", "alpine": "Alpine", "arch": "Archlinux", "gentoo": "Gentoo",
	"void": "Void", "nixos": "NixOS", "openwrt": "OpenWrt", "photon": "Photon OS",
}

// families are os-release IDs and the name of the family; ID_LIKE is looked up
// where ID isn't here.
var families = map[string]string{
	"debian": "Debian", "ubuntu": "Debian", "raspbian": "Debian", "kali": "Debian", "linuxmint": "Debian",
	"rhel": "RedHat", "centos": "RedHat", "fedora": "RedHat", "rocky": "RedHat", "almalinux": "RedHat", "ol": "RedHat", "amzn": "RedHat",
	"sles": "Suse", "sled": "Suse", "suse": "Suse", "opensuse": "Suse", "opensuse-leap": "Suse", "opensuse-tumbleweed": "Suse",
	"alpine": "Alpine", "arch": "Archlinux", "gentoo": "Gentoo",
}

var release = regexp.MustCompile(`[0-9]+(\.[0-9]+)*`)

func (f factSet) distribution(raw map[string]string) {
	id := unquote(raw["os_ID"])
	name, known := distributions[id]
	if !known {
		name = unquote(raw["os_NAME"])
	}
	if name == "" {
		name = raw["system"] // a host without os-release
	}
	f.text("distribution", name)
	version := unquote(raw["os_VERSION_ID"])
	// The point release is elsewhere: Debian 12 is "12.5" to Ansible, CentOS 7 "7.9".
	for _, more := range []string{raw["debian_version"], raw["redhat_release"]} {
		if v := release.FindString(more); strings.HasPrefix(v, version+".") {
			version = v
		}
	}
	f.text("distribution_version", version)
	major, _, _ := strings.Cut(version, ".")
	f.text("distribution_major_version", major)
	f.text("distribution_release", unquote(raw["os_VERSION_CODENAME"]))
	family := name
	for _, like := range append([]string{id}, strings.Fields(unquote(raw["os_ID_LIKE"]))...) {
		if of, ok := families[like]; ok {
			family = of
			break
		}
	}
	f.text("os_family", family)
}

// unquote takes the quotes off an os-release(5) value.
func unquote(v string) string {
	v = strings.TrimSpace(v)
	if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
		v = v[1 : len(v)-1]
	}
	return strings.NewReplacer(`\"`, `"`, `\$`, `$`, `\\`, `\`, "\\`", "`").Replace(v)
}

// memory words /proc/meminfo's KiB as MiB.
func (f factSet) memory(raw map[string]string) {
	for key, name := range map[string]string{
		"MemTotal": "memtotal_mb", "MemFree": "memfree_mb", "MemAvailable": "memavailable_mb",
		"SwapTotal": "swaptotal_mb", "SwapFree": "swapfree_mb",
	} {
		if kib, err := strconv.Atoi(raw[key]); err == nil {
			f["ansible_"+name] = kib / 1024
		}
	}
}

func (f factSet) processors(raw map[string]string) {
	n := countCPUs(raw["cpus"])
	if n == 0 {
		return
	}
	sockets := max(1, len(strings.Fields(raw["sockets"])))
	f["ansible_processor_vcpus"], f["ansible_processor_nproc"], f["ansible_processor_count"] = n, n, sockets
}

// countCPUs counts a kernel list of ids ("0-3,8").
func countCPUs(list string) int {
	n := 0
	for _, part := range strings.Split(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, err1 := strconv.Atoi(first)
		b, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || a < 0 || b < a || b > 1<<16 {
			return 0
		}
		n += b - a + 1
	}
	return n
}

func (f factSet) user(raw map[string]string) {
	f.text("user_id", raw["user"])
	f.number("user_uid", raw["uid"])
	f.number("user_gid", raw["gid"])
	f.text("user_gecos", raw["user_gecos"])
	f.text("user_dir", raw["user_dir"])
	f.text("user_shell", raw["user_shell"])
}

// dateTime makes ansible_date_time of the host's own clock: epoch seconds,
// year … second, offset and zone, separated by colons.
func dateTime(raw string) map[string]any {
	p := strings.Split(raw, ":")
	if len(p) != 9 {
		return nil
	}
	sec, err := strconv.ParseInt(p[0], 10, 64)
	if err != nil {
		return nil
	}
	utc := time.Unix(sec, 0).UTC()
	local, err := time.Parse("2006-01-02", p[1]+"-"+p[2]+"-"+p[3])
	if err != nil {
		return nil
	}
	day := p[1] + "-" + p[2] + "-" + p[3]
	clock := p[4] + ":" + p[5] + ":" + p[6]
	return map[string]any{
		"epoch": p[0], "epoch_int": p[0],
		"iso8601":             utc.Format("2006-01-02T15:04:05Z"),
		"iso8601_micro":       utc.Format("2006-01-02T15:04:05.000000Z"),
		"iso8601_basic":       p[1] + p[2] + p[3] + "T" + p[4] + p[5] + p[6] + "000000",
		"iso8601_basic_short": p[1] + p[2] + p[3] + "T" + p[4] + p[5] + p[6],
		"date":                day, "time": clock,
		"year": p[1], "month": p[2], "day": p[3], "hour": p[4], "minute": p[5], "second": p[6],
		"tz_offset": p[7], "tz": p[8], "weekday": local.Weekday().String(),
		"weekday_number": strconv.Itoa(int(local.Weekday())),
	}
}
