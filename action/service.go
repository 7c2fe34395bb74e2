package action

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

var serviceStates = []string{"reloaded", "restarted", "started", "stopped"}

// serviceSpec is ansible.builtin.service.
func serviceSpec() *Spec {
	return &Spec{
		Name:    "service",
		Aliases: []string{"sysvinit"},
		Params: []Param{
			{Name: "name", Type: String, Required: true, Doc: "the service, by the name that the host has for it"},
			{Name: "state", Type: String, Choices: serviceStates, Doc: "what it is to be; restarted and reloaded always do something"},
			{Name: "enabled", Type: Bool, Doc: "whether it starts with the host"},
			{Name: "arguments", Aliases: []string{"args"}, Type: String, Default: "", Doc: "words for an init script"},
			{Name: "sleep", Type: Int, Doc: "seconds between stop and start of a restart, where systemd doesn't do it"},
			{Name: "use", Type: String, Default: "auto", Choices: []string{"auto", "openrc", "systemd", "sysv", "sysvinit"}, Doc: "the manager: what runs the host"},
			{Name: "pattern", Type: String, Doc: "accepted: the init script's own status is asked for"},
			{Name: "runlevel", Type: String, Doc: "accepted: the default one is meant"},
		},
		OneOf: [][]string{{"state", "enabled"}},
		Doc:   "Start, stop, restart, reload, enable and disable services with systemd, OpenRC or init scripts.",
		Run: func(ctx context.Context, c *Call) Result {
			use := c.Args.Str("use")
			if use == "sysvinit" {
				use = "sysv"
			}
			return runService(ctx, c, use)
		},
	}
}

// systemdSpec is ansible.builtin.systemd, for the system's own units.
func systemdSpec() *Spec {
	return &Spec{
		Name:    "systemd",
		Aliases: []string{"systemd_service"},
		Params: []Param{
			{Name: "name", Aliases: []string{"service", "unit"}, Type: String, Doc: "the unit"},
			{Name: "state", Type: String, Choices: serviceStates, Doc: "what it is to be"},
			{Name: "enabled", Type: Bool, Doc: "whether it starts with the host"},
			{Name: "masked", Type: Bool, Doc: "whether it can't be started at all"},
			{Name: "daemon_reload", Aliases: []string{"daemon-reload"}, Type: Bool, Default: false, Doc: "have systemd read its units again first"},
			{Name: "daemon_reexec", Aliases: []string{"daemon-reexec"}, Type: Bool, Default: false, Doc: "have systemd start itself anew first"},
			{Name: "no_block", Type: Bool, Default: false, Doc: "don't wait until it has started or stopped"},
			{Name: "scope", Type: String, Default: "system", Choices: []string{"system"}, Doc: "the system's units are the only ones"},
			{Name: "force", Type: Bool, Default: false, Doc: "accepted"},
		},
		OneOf: [][]string{{"state", "enabled", "masked", "daemon_reload", "daemon_reexec"}},
		Doc:   "Start, stop, enable and mask units of systemd, and have it read them again.",
		Run: func(ctx context.Context, c *Call) Result {
			a := c.Args
			if !a.Has("name") && (a.Has("state") || a.Has("enabled") || a.Has("masked")) {
				return failed("name is required with state, enabled and masked", "")
			}
			return runService(ctx, c, "systemd")
		},
	}
}

func runService(ctx context.Context, c *Call, manager string) Result {
	a := c.Args
	name := a.Str("name")
	if strings.HasPrefix(name, "-") || strings.ContainsAny(name, "/\x00\n") || a.Has("name") && name == "" {
		return failed(fmt.Sprintf("%q can't be the name of a service", shorten(name)), "")
	}
	tri := func(which string) string {
		if !a.Has(which) {
			return ""
		}
		return yesNo(a.Bool(which))
	}
	pause, block := "", ""
	if a.Has("sleep") {
		pause = strconv.Itoa(max(a.Int("sleep"), 0))
	}
	if a.Bool("no_block") {
		block = "--no-block"
	}
	reply, r := half(ctx, c, "service", manager, name, a.Str("state"), tri("enabled"), tri("masked"),
		yesNo(a.Bool("daemon_reload")), yesNo(a.Bool("daemon_reexec")), yesNo(c.Check), pause, a.Str("arguments"), block)
	if r.Lost != nil || r.TimedOut {
		return r
	}
	v := reply.Values
	r.Values = map[string]any{}
	if a.Has("name") {
		r.Values["name"] = name
	}
	if v["state"] != "" {
		r.Values["state"] = v["state"]
	}
	if v["enabled"] != "" {
		r.Values["enabled"] = isYes(v["enabled"])
	}
	if v["status"] != "" {
		status := map[string]any{}
		for line := range strings.Lines(text8(v["status"])) {
			if k, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
				status[k] = value
			}
		}
		r.Values["status"] = status
	}
	return r
}
