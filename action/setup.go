package action

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"thordeploy/internal/diag"
)

func setupSpec() *Spec {
	return &Spec{
		Name:    "setup",
		Aliases: []string{"gather_facts"},
		Params: []Param{
			{Name: "gather_subset", Type: List, Default: []any{"all"}, Doc: "what to report besides the smallest set: all, hardware, or the name of another of Ansible's subsets; with ! in front what not, `!all` leaves the smallest set, `!all,!min` none"},
			{Name: "gather_timeout", Type: Int, Doc: "seconds that each program in fact_path may take; without it as long as the task"},
			{Name: "fact_path", Type: Path, Default: "/etc/ansible/facts.d", Doc: "absolute folder on the host with its own facts (ansible_local): JSON or INI in NAME.fact, or a program that prints it"},
			{Name: "filter", Type: List, Doc: "globs; only facts that match one are reported"},
		},
		Doc: "Gather facts about the host.",
		Run: runSetup,
	}
}

// runSetup is ansible.builtin.setup, for the facts that sweeps use.
func runSetup(ctx context.Context, c *Call) Result {
	kinds, err := factKinds(c.Args.List("gather_subset"))
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	dir := c.Args.Str("fact_path")
	if !path.IsAbs(dir) {
		return failed(fmt.Sprintf("fact_path must be an absolute path: %q", dir), "")
	}
	if !kinds["local"] {
		dir = ""
	}
	reply, r := half(ctx, c, "setup", dir)
	if r.Failed {
		return r
	}
	facts := factsOf(reply.Values)
	maps.DeleteFunc(facts, func(name string, _ any) bool { return !kinds[kindOfFact(name)] })
	if kinds["local"] {
		local, err := localFacts(ctx, c, reply.Values)
		if err != nil {
			r = broken(err)
			if r.Hint == "" {
				r.Hint = hintOf(err)
			}
			return r
		}
		facts["ansible_local"] = local
	}
	facts = filterFacts(facts, c.Args.List("filter"))
	r.Facts, r.Values = facts, map[string]any{"ansible_facts": facts}
	return r
}

// smallest are the kinds of facts that are always reported (min).
var smallest = []string{"platform", "distribution", "user", "date_time", "local"}

// subsets are the names that gather_subset may have, with the kind of facts
// here; empty: Ansible's, and there are none of it here.
var subsets = func() map[string]string {
	names := map[string]string{}
	for kind, list := range map[string]string{
		"platform":     "platform system kernel kernel_version machine python_version architecture machine_id pkg_mgr service_mgr",
		"distribution": "distribution distribution_version distribution_release distribution_major_version os_family",
		"user":         "user user_id user_uid user_gid user_gecos user_dir user_shell real_user_id effective_user_id effective_group_ids",
		"date_time":    "date_time",
		"local":        "local",
		"hardware":     "hardware processor processor_cores processor_count mounts devices",
		"network":      "network interfaces",
		"": "default_ipv4 default_ipv6 all_ipv4_addresses all_ipv6_addresses virtual virtualization_type virtualization_role " +
			"virtualization_tech_guest virtualization_tech_host facter ohai apparmor caps system_capabilities system_capabilities_enforced chroot is_chroot " +
			"cmdline dns env fibre_channel_wwn fips iscsi loadavg lsb nvme python selinux systemd ssh_pub_keys " +
			"ssh_host_key_dsa_public ssh_host_key_rsa_public ssh_host_key_ecdsa_public ssh_host_key_ed25519_public",
	} {
		for _, name := range strings.Fields(list) {
			names[name] = kind
		}
	}
	return names
}()

// factKinds are the kinds of facts that gather_subset asks for. As with
// Ansible it begins with the smallest set; what is named wins over what is
// left out.
func factKinds(list []string) (map[string]bool, error) {
	kinds, without, named := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, k := range smallest {
		kinds[k] = true
	}
	for _, name := range list {
		word, out := strings.CutPrefix(strings.TrimSpace(name), "!")
		kind, known := subsets[word]
		switch {
		case word == "all" && out:
			without["hardware"], without["network"] = true, true
		case word == "all":
			kinds["hardware"], kinds["network"] = true, true
		case word == "min" && out:
			for _, k := range smallest {
				without[k] = true
			}
		case word == "min":
		case out: // one that isn't known is let pass
			without[kind] = true
		case !known:
			return nil, &typeError{
				text: fmt.Sprintf("Bad subset '%s' given to Ansible.", shorten(word)),
				hint: cmp.Or(diag.DidYouMean(word, slices.Sorted(maps.Keys(subsets))), "all, min, hardware, local and the like, with ! in front what not"),
			}
		default:
			kinds[kind], named[kind] = true, true
		}
	}
	maps.DeleteFunc(kinds, func(k string, _ bool) bool { return without[k] && !named[k] })
	return kinds, nil
}

// kindOfFact is the kind of a fact by its ansible_ name.
func kindOfFact(name string) string {
	name = strings.TrimPrefix(name, "ansible_")
	switch {
	case strings.HasSuffix(name, "_mb") || strings.HasPrefix(name, "processor_") || name == "uptime_seconds":
		return "hardware"
	}
	return cmp.Or(subsets[name], "platform")
}

// filterFacts keeps the facts whose name, with or without ansible_, matches
// one of the globs; all without any.
func filterFacts(facts map[string]any, globs []string) map[string]any {
	if len(globs) == 0 || slices.Contains(globs, "*") || slices.Contains(globs, "") {
		return facts
	}
	kept := make(map[string]any, len(facts))
	for _, g := range globs {
		g = strings.ReplaceAll(g, "[!", "[^")
		for name, v := range facts {
			full, _ := path.Match(g, name)
			short, _ := path.Match(g, strings.TrimPrefix(name, "ansible_"))
			if full || short {
				kept[name] = v
			}
		}
	}
	return kept
}
