package action

import (
	"context"
	"fmt"
	"path"
	"strconv"

	"thordeploy/transport/shell"
)

// mountSpec is ansible.posix.mount.
func mountSpec() *Spec {
	return &Spec{
		Name: "mount",
		Params: []Param{
			{Name: "path", Aliases: []string{"name"}, Type: Path, Required: true, Doc: "the mount point, absolute"},
			{Name: "state", Type: String, Required: true,
				Choices: []string{"absent", "absent_from_fstab", "ephemeral", "mounted", "present", "remounted", "unmounted"},
				Doc:     "ephemeral: mounted, never in fstab"},
			{Name: "src", Type: String, Doc: "what to mount; a RAM drive needs none"},
			{Name: "fstype", Type: String, Doc: "the filesystem's type"},
			{Name: "opts", Type: String, Doc: "mount options, separated by commas"},
			{Name: "boot", Type: Bool, Default: true, Doc: "no: fstab gets noauto"},
			{Name: "dump", Type: String, Default: "0", Doc: "fstab's fifth field"},
			{Name: "passno", Type: String, Default: "0", Doc: "fstab's sixth field"},
			{Name: "fstab", Type: Path, Default: "/etc/fstab", Doc: "the file to edit"},
			{Name: "backup", Type: Bool, Default: false, Doc: "keep fstab as it was beside it"},
		},
		Doc:       "Mount and unmount filesystems, RAM drives among them.",
		Ephemeral: mountFootprint,
		Run:       runMount,
	}
}

// unmountSpec is the end of a mount in plain words: `unmount: /mnt/temp_ram`.
func unmountSpec() *Spec {
	return &Spec{
		Name:     "unmount",
		Aliases:  []string{"umount"},
		FreeForm: "path",
		Params: []Param{
			{Name: "path", Aliases: []string{"name"}, Type: Path, Required: true, Doc: "the mount point, absolute"},
			{Name: "remove", Type: Bool, Default: false, Doc: "remove its folder too, where it is empty"},
		},
		Doc:       "Unmount a filesystem, and perhaps remove its folder.",
		Ephemeral: func(a Args) Footprint { return Footprint{Removes: absolute(a.Str("path"))} },
		Run:       runUnmount,
	}
}

// mounting is one task about one mount point.
type mounting struct {
	call                    *Call
	path, src, fstype, opts string
	bytes                   int64  // of a RAM drive asked for in bytes
	size                    string // of a RAM drive: kB or N%, empty: not said
}

func newMounting(c *Call) (*mounting, error) {
	p := c.Args.Str("path")
	at := absolute(p)
	if at == nil {
		if path.IsAbs(p) {
			return nil, fmt.Errorf("%q can't be a mount point here", p)
		}
		return nil, &typeError{text: fmt.Sprintf("path must be absolute: %q", p), hint: "write it from the root: /mnt/" + path.Base(p)}
	}
	m := &mounting{call: c, path: at[0], src: c.Args.Str("src"), fstype: c.Args.Str("fstype"), opts: c.Args.Str("opts")}
	if isRAM(m.fstype) {
		size, err := sizeOption(m.opts)
		if err != nil {
			return nil, err
		}
		m.size, m.bytes = size.half(), size.bytes
	}
	return m, nil
}

func runMount(ctx context.Context, c *Call) Result {
	m, err := newMounting(c)
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	state := c.Args.Str("state")
	if err := m.checkFstab(); err != nil {
		return failed(err.Error(), "")
	}
	if err := m.complete(state); err != nil {
		return failed(err.Error(), hintOf(err))
	}
	switch state {
	case "ephemeral":
		return m.act(ctx, "ephemeral")
	case "unmounted":
		return m.act(ctx, "detach")
	case "remounted":
		return m.act(ctx, "remount")
	}
	return m.fstab(ctx, state)
}

// complete checks that what a state needs is given.
func (m *mounting) complete(state string) error {
	switch state {
	case "ephemeral", "mounted", "present":
	default:
		return nil
	}
	bind := m.hasOption("bind") || m.hasOption("rbind")
	switch {
	case m.fstype == "" && !(bind && state == "ephemeral"):
		return &typeError{text: "fstype is required for state=" + state, hint: "for a RAM drive: fstype: ramfs, or tmpfs"}
	case m.src == "" && (!isRAM(m.fstype) || state == "present"):
		return &typeError{text: "src is required for state=" + state + " of " + orNone(m.fstype), hint: "name the device or share to mount"}
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "no fstype"
	}
	return s
}

// act runs one operation of the remote half.
func (m *mounting) act(ctx context.Context, op string) Result {
	reply, r := m.half(ctx, op)
	return m.finish(reply, r)
}

func (m *mounting) half(ctx context.Context, op string) (shell.Reply, Result) {
	reply, r := half(ctx, m.call, "mount", op, m.path, m.src, m.fstype, m.opts, m.size, yesNo(m.call.Check), m.call.Args.Str("fstab"))
	if at := reply.Values["busy"]; at != "" {
		// Not part of the mount's own half, which each host would have to read.
		if who, looked := half(ctx, m.call, "holders", at); !looked.Failed && who.Values["held"] != "" {
			r.Msg += "; it is held by " + text8(who.Values["held"])
		}
	}
	return reply, r
}

// finish words the reply and keeps the books of RAM drives.
func (m *mounting) finish(reply shell.Reply, r Result) Result {
	if r.Lost != nil || r.TimedOut {
		return r
	}
	r.Values = m.values()
	kb, _ := strconv.ParseInt(reply.Values["size"], 10, 64)
	if short, err := strconv.ParseInt(reply.Values["short"], 10, 64); err == nil {
		r.Msg = fmt.Sprintf("a RAM drive of %s does not fit on %s: the host has %s of memory available", bytesText(kb<<10), m.path, bytesText(short<<10))
		r.Hint = "ask for a smaller size=, or free memory on the host"
	}
	if !r.Failed && !m.call.Check && m.call.RAMSizes != nil {
		switch {
		case reply.Values["size"] != "":
			m.call.RAMSizes[m.path] = kb << 10
		case m.bytes > 0 && reply.Values["gone"] == "": // it was there already
			m.call.RAMSizes[m.path] = m.bytes
		case reply.Values["gone"] != "":
			delete(m.call.RAMSizes, m.path)
		}
	}
	return r
}

// values are the return values that Ansible gives, and path.
func (m *mounting) values() map[string]any {
	a := m.call.Args
	v := map[string]any{
		"name": m.path, "path": m.path, "src": m.src, "fstype": m.fstype, "opts": m.opts,
		"boot": yesNo(a.Bool("boot")), "dump": a.Str("dump"), "passno": a.Str("passno"), "fstab": a.Str("fstab"),
	}
	if m.opts == "" {
		v["opts"] = "defaults"
	}
	return v
}

func runUnmount(ctx context.Context, c *Call) Result {
	m, err := newMounting(c)
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	op := "detach"
	if c.Args.Bool("remove") {
		op = "detach_remove"
	}
	r := m.act(ctx, op)
	if r.Values != nil {
		r.Values = map[string]any{"path": m.path, "name": m.path}
	}
	return r
}

func mountFootprint(a Args) Footprint {
	at := absolute(a.Str("path"))
	switch a.Str("state") {
	case "ephemeral", "mounted":
		f := Footprint{Makes: at, Mounts: at, RAM: isRAM(a.Str("fstype"))}
		if size, err := sizeOption(a.Str("opts")); err == nil && f.RAM {
			f.Size = size.bytes
		}
		return f
	case "unmounted", "absent":
		return Footprint{Removes: at}
	}
	return Footprint{}
}

func isRAM(fstype string) bool { return fstype == "ramfs" || fstype == "tmpfs" }
