package action

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// managers are the package managers that package.sh knows.
var managers = []string{"auto", "apt", "dnf", "yum", "zypper", "apk", "pacman"}

// states of a package, in each module's words, and what they mean.
var packageStates = map[string]string{"present": "present", "installed": "present", "absent": "absent", "removed": "absent", "latest": "latest"}

// packageSpec is ansible.builtin.package.
func packageSpec() *Spec {
	return &Spec{
		Name: "package",
		Params: []Param{
			{Name: "name", Aliases: []string{"pkg", "package"}, Type: List, Required: true, Doc: "packages, by the names that the host's manager has for them"},
			{Name: "state", Type: String, Default: "present", Choices: []string{"absent", "installed", "latest", "present", "removed"}, Doc: "what they are to be; latest: the newest that can be had"},
			{Name: "use", Type: String, Default: "auto", Choices: managers, Doc: "the manager: what the host has"},
			{Name: "update_cache", Type: Bool, Default: false, Doc: "fetch the lists of packages first"},
		},
		Doc: "Install and remove packages with what the host has: apt, dnf, yum, zypper, apk or pacman.",
		Run: func(ctx context.Context, c *Call) Result { return runPackage(ctx, c, c.Args.Str("use")) },
	}
}

// aptSpec is what ansible.builtin.apt shares with package, and a little more.
func aptSpec() *Spec {
	return &Spec{
		Name:    "apt",
		Aliases: []string{"apt-get"},
		Params: []Param{
			{Name: "name", Aliases: []string{"pkg", "package"}, Type: List, Doc: "packages, also as name=version; \"*\" with latest: all"},
			{Name: "state", Type: String, Default: "present", Choices: []string{"absent", "latest", "present"}, Doc: "what they are to be"},
			{Name: "update_cache", Aliases: []string{"update-cache"}, Type: Bool, Doc: "fetch the lists of packages first"},
			{Name: "cache_valid_time", Type: Int, Default: 0, Doc: "seconds for which a list is good; says update_cache too"},
			{Name: "install_recommends", Aliases: []string{"install-recommends"}, Type: Bool, Doc: "no: only what is needed"},
			{Name: "purge", Type: Bool, Default: false, Doc: "remove configuration files too"},
			{Name: "autoremove", Type: Bool, Default: false, Doc: "with absent: remove what nothing needs any more too"},
			{Name: "default_release", Aliases: []string{"default-release"}, Type: String, Doc: "release to take packages from"},
			{Name: "force_apt_get", Type: Bool, Default: false, Doc: "accepted: apt-get is what is used"},
			{Name: "lock_timeout", Type: Int, Default: 60, Doc: "accepted: the lock is waited for for 60 seconds"},
		},
		OneOf: [][]string{{"name", "update_cache", "cache_valid_time"}},
		Doc:   "Install and remove Debian packages.",
		Run:   func(ctx context.Context, c *Call) Result { return runPackage(ctx, c, "apt") },
	}
}

// rpmSpec is what ansible.builtin.dnf and yum share with package.
func rpmSpec(name string) *Spec {
	return &Spec{
		Name: name,
		Params: []Param{
			{Name: "name", Aliases: []string{"pkg"}, Type: List, Required: true, Doc: "packages; \"*\" with latest: all"},
			{Name: "state", Type: String, Default: "present", Choices: []string{"absent", "installed", "latest", "present", "removed"}, Doc: "what they are to be"},
			{Name: "update_cache", Aliases: []string{"expire-cache"}, Type: Bool, Default: false, Doc: "fetch the lists of packages first"},
			{Name: "enablerepo", Type: List, Default: []any{}, Doc: "repositories to use besides"},
			{Name: "disablerepo", Type: List, Default: []any{}, Doc: "repositories not to use"},
			{Name: "disable_gpg_check", Type: Bool, Default: false, Doc: "don't check signatures"},
			{Name: "lock_timeout", Type: Int, Default: 30, Doc: "accepted"},
		},
		Doc: fmt.Sprintf("Install and remove packages with %s.", name),
		Run: func(ctx context.Context, c *Call) Result { return runPackage(ctx, c, name) },
	}
}

func runPackage(ctx context.Context, c *Call, manager string) Result {
	a := c.Args
	var names []string
	for _, n := range a.List("name") {
		switch n = strings.TrimSpace(n); {
		case n == "":
		case strings.HasPrefix(n, "-"):
			return failed(fmt.Sprintf("%q can't be the name of a package", n), "")
		case !slices.Contains(names, n):
			names = append(names, n)
		}
	}
	var words []string
	if a.Bool("purge") {
		words = append(words, "purge")
	}
	if a.Bool("autoremove") {
		words = append(words, "autoremove")
	}
	if a.Has("install_recommends") && !a.Bool("install_recommends") {
		words = append(words, "norecommends")
	}
	state := packageStates[a.Str("state")]
	args := append([]string{
		manager, state, yesNo(c.Check), yesNo(a.Bool("update_cache") || a.Int("cache_valid_time") > 0), strconv.Itoa(a.Int("cache_valid_time")),
		strings.Join(words, " "), strconv.Itoa(len(names)),
	}, names...)
	reply, r := half(ctx, c, "package", append(args, managerOptions(a, state)...)...)
	if r.Lost != nil || r.TimedOut {
		return r
	}
	v := reply.Values
	r.Values = map[string]any{}
	if rc, err := strconv.Atoi(v["rc"]); err == nil {
		r.Values["rc"] = rc
	}
	if out := text8(v["stdout"]); out != "" {
		r.Values["stdout"], r.Values["stdout_lines"] = out, splitLines(out)
	}
	if v["manager"] != "" {
		r.Values["manager"] = v["manager"]
	}
	if isYes(v["cache_updated"]) {
		r.Values["cache_updated"] = true
		r.Changed = r.Changed || len(names) == 0 && !r.Failed // as in Ansible: a refresh alone counts
	}
	return r
}

// managerOptions are options for the manager's own command line.
func managerOptions(a Args, state string) []string {
	var list []string
	if a.Str("default_release") != "" && state != "absent" {
		list = append(list, "--target-release="+a.Str("default_release"))
	}
	for _, repo := range a.List("enablerepo") {
		list = append(list, "--enablerepo="+repo)
	}
	for _, repo := range a.List("disablerepo") {
		list = append(list, "--disablerepo="+repo)
	}
	if a.Bool("disable_gpg_check") {
		list = append(list, "--nogpgcheck")
	}
	return list
}
