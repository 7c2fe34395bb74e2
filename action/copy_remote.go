package action

import "context"

// remote copies what is on the host already.
func (cp *copying) remote(ctx context.Context) Result {
	a := cp.call.Args
	mode := cp.mode
	if isOctal(mode) {
		mode = "0" + mode // five digits: GNU chmod would leave a folder's setgid bit
	}
	args := append([]string{
		a.Str("src"), cp.dest, mode, cp.owner, cp.dirMode, yesNo(cp.force), yesNo(a.Bool("backup")), yesNo(cp.call.Check), yesNo(cp.follow),
	}, cp.validate...)
	reply, r := half(ctx, cp.call, "copy_remote", args...)
	if r.Failed {
		return r
	}
	var now found
	now.readAt(reply.Values["at"])
	r.Values = map[string]any{"dest": text8(reply.Values["dest"]), "src": text8(reply.Values["src"])}
	if reply.Values["at"] != "" {
		for k, v := range now.values() {
			r.Values[k] = v
		}
		r.Values["size"], r.Values["state"] = now.size, "file"
		if reply.Values["state"] != "" {
			r.Values["state"] = reply.Values["state"]
		}
	}
	if b := reply.Values["backup"]; b != "" {
		r.Values["backup_file"] = text8(b)
	}
	return r
}

// isOctal reports whether mode is octal digits.
func isOctal(mode string) bool {
	for _, d := range mode {
		if d < '0' || d > '7' {
			return false
		}
	}
	return mode != ""
}
