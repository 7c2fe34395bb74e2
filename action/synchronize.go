package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// synchronizeSpec is ansible.posix.synchronize between this machine and the
// host. rsync runs here and there; what they say to each other goes through
// the connection that the host has already.
func synchronizeSpec() *Spec {
	flag := func(name, doc string) Param {
		return Param{Name: name, Type: Bool, Doc: doc + "; without it as archive has it"}
	}
	return &Spec{
		Name: "synchronize",
		Params: []Param{
			{Name: "src", Type: Path, Required: true, Doc: "what to copy, on this machine (push) or the host (pull); with / at its end the contents"},
			{Name: "dest", Type: Path, Required: true, Doc: "where to"},
			{Name: "mode", Type: String, Default: "push", Choices: []string{"pull", "push"}, Doc: "push to the host, or pull from it"},
			{Name: "archive", Type: Bool, Default: true, Doc: "recursive, links, perms, times, owner, group and devices"},
			flag("recursive", "go into folders"), flag("links", "copy symlinks as symlinks"), flag("perms", "keep permissions"),
			flag("times", "keep times"), flag("owner", "keep owners"), flag("group", "keep groups"),
			{Name: "checksum", Type: Bool, Default: false, Doc: "compare contents, not times and sizes"},
			{Name: "compress", Type: Bool, Default: true, Doc: "compress on the way"},
			{Name: "copy_links", Type: Bool, Default: false, Doc: "copy what symlinks point to"},
			{Name: "delete", Type: Bool, Default: false, Doc: "remove in dest what src doesn't have"},
			{Name: "delay_updates", Type: Bool, Default: true, Doc: "put files in place at the end"},
			{Name: "dirs", Type: Bool, Default: false, Doc: "copy folders without going into them"},
			{Name: "existing_only", Type: Bool, Default: false, Doc: "make no new files"},
			{Name: "link_dest", Type: List, Default: []any{}, Doc: "folders to hard-link unchanged files from"},
			{Name: "partial", Type: Bool, Default: false, Doc: "keep what came of a file that didn't come whole"},
			{Name: "rsync_opts", Type: List, Default: []any{}, Doc: "more options of rsync"},
			{Name: "rsync_path", Type: String, Doc: "the host's rsync"},
			{Name: "rsync_timeout", Type: Int, Default: 0, Doc: "seconds of silence after which it fails; 0: none"},
			{Name: "dest_port", Type: Int, Doc: "ignored: the connection that is there is used"},
			{Name: "private_key", Type: Path, Doc: "ignored likewise"},
			{Name: "set_remote_user", Type: Bool, Default: true, Doc: "ignored likewise"},
			{Name: "ssh_connection_multiplexing", Type: Bool, Default: false, Doc: "ignored likewise"},
			{Name: "use_ssh_args", Type: Bool, Default: false, Doc: "ignored likewise"},
			{Name: "verify_host", Type: Bool, Default: false, Doc: "ignored likewise"},
		},
		Doc: "Copy trees to or from the host with rsync, over the connection that is there, as the task's account.",
		Run: runSynchronize,
	}
}

// changedMark is put by rsync before each line about something that differs.
const changedMark = "<<CHANGED>>"

func runSynchronize(ctx context.Context, c *Call) Result {
	program, err := exec.LookPath("rsync")
	if err != nil {
		return failed("this machine has no rsync", "install it here, or use copy and fetch")
	}
	src, dest, err := syncPaths(c)
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	b, err := newBridge(c)
	if err != nil {
		return failed("synchronize: "+err.Error(), "")
	}
	defer b.close()
	args := append(syncOptions(c), "-e", b.command(), "--", src, dest)
	start := time.Now()
	stdout, stderr := &kept{live: c.live("stdout")}, &kept{live: func([]byte) {}}
	rc, err := runHere(ctx, b, exec.CommandContext(ctx, program, args...), stdout, stderr) //nolint:gosec // the playbook's own words
	if err != nil {
		return broken(fmt.Errorf("running rsync: %w", err))
	}
	out, _ := stdout.text()
	clean := strings.ReplaceAll(out, changedMark, "")
	values := map[string]any{
		"rc": rc, "cmd": "rsync " + strings.Join(args[:len(args)-5], " ") + " " + src + " " + dest, "msg": clean, "stdout_lines": splitLines(clean),
	}
	addTimes(values, start, time.Now())
	if rc != 0 {
		said, _ := stderr.text()
		r := syncFailed(b, rc, strings.TrimSpace(said))
		delete(values, "msg")
		r.Values = values
		return r
	}
	return Result{Changed: strings.Contains(out, changedMark), Values: values}
}

// runHere runs a program of this machine with the bridge open for it.
func runHere(ctx context.Context, b *bridge, cmd *exec.Cmd, stdout, stderr io.Writer) (int, error) {
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = 5 * time.Second
	go b.serve(ctx)
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case errors.As(err, &exit):
		return exit.ExitCode(), nil
	}
	return 0, err
}

// syncFailed says why rsync failed: what the host said tells more than what
// rsync makes of a closed connection.
func syncFailed(b *bridge, rc int, said string) Result {
	there, code, lost := b.told()
	switch {
	case lost != nil:
		return broken(fmt.Errorf("synchronize: %w", lost))
	case code == 127 || code == 126:
		return failed(fmt.Sprintf("the host has no rsync that can be run: %s", firstLine(there)), "install rsync on it (package: name=rsync), or name it with rsync_path")
	}
	if there != "" && !strings.Contains(said, there) {
		said = there + "\n" + said
	}
	return failed(fmt.Sprintf("rsync ended with exit status %d: %s", rc, strings.TrimSpace(said)), diskHint(said))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// syncPaths are rsync's source and destination: one of them is the host's.
func syncPaths(c *Call) (src, dest string, err error) {
	src, dest = c.Args.Str("src"), c.Args.Str("dest")
	for _, p := range []string{src, dest} {
		if p == "" || strings.ContainsAny(p, "\x00") {
			return "", "", errors.New("src and dest must be paths")
		}
		if host, _, ok := strings.Cut(p, ":"); ok && !strings.Contains(host, "/") {
			return "", "", &typeError{text: fmt.Sprintf("%q names a host of its own", p), hint: "src and dest are paths: the task's host is the other end"}
		}
	}
	if c.Args.Str("mode") == "push" {
		at, err := c.Local.find(src, "files")
		if errors.Is(err, fs.ErrNotExist) {
			err = &typeError{text: strings.TrimSuffix(err.Error(), ": "+fs.ErrNotExist.Error()), hint: "with mode: pull, src is on the host"}
		}
		return at, "host:" + dest, err
	}
	here, err := homed(dest)
	if err == nil && !filepath.IsAbs(here) {
		slash := strings.HasSuffix(here, "/")
		if here = filepath.Join(c.Local.Playbook, here); slash {
			here += "/"
		}
	}
	return "host:" + src, here, err
}

// syncOptions are rsync's options, as ansible.posix.synchronize gives them.
func syncOptions(c *Call) []string {
	a := c.Args
	list := []string{"-s"} // names go through the protocol, not through the host's shell
	add := func(when bool, words ...string) {
		if when {
			list = append(list, words...)
		}
	}
	add(a.Bool("delay_updates"), "--delay-updates")
	list = append(list, "-F")
	add(a.Bool("compress"), "--compress")
	add(a.Int("rsync_timeout") > 0, "--timeout="+strconv.Itoa(a.Int("rsync_timeout")))
	add(c.Check, "--dry-run")
	add(a.Bool("delete"), "--delete-after")
	add(a.Bool("existing_only"), "--existing")
	add(a.Bool("checksum"), "--checksum")
	add(a.Bool("copy_links"), "--copy-links")
	add(a.Bool("archive"), "--archive")
	for _, name := range []string{"recursive", "links", "perms", "times", "owner", "group"} {
		add(a.Has(name) && a.Bool(name) && !a.Bool("archive"), "--"+name)
		add(a.Has(name) && !a.Bool(name) && a.Bool("archive"), "--no-"+name)
	}
	add(a.Bool("dirs"), "--dirs")
	add(a.Str("rsync_path") != "", "--rsync-path="+a.Str("rsync_path"))
	add(a.Bool("partial"), "--partial")
	for _, dir := range a.List("link_dest") {
		add(true, "--link-dest="+dir)
	}
	return append(append(list, a.List("rsync_opts")...), "--out-format="+changedMark+"%i %n%L")
}

// limitedTail keeps the last bytes written to it.
type limitedTail struct{ bytes.Buffer }

func (t *limitedTail) Write(p []byte) (int, error) {
	n, err := t.Buffer.Write(p)
	if over := t.Len() - 8<<10; over > 0 {
		t.Next(over)
	}
	return n, err
}
