package oracle

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"thordeploy/internal/lab"
)

// box is the folder on the hosts that cases work in: the variable `box`.
const box = "/tmp/box"

// resetScript puts a host back: what a case may alter is the box and fstab.
const resetScript = `set -eu
box=` + box + `
grep " $box" /proc/mounts | sort -r | while read -r _ at _; do umount -l "$at"; done
rm -rf "$box" /tmp/fstab /root/.ansible_async
mkdir -m 755 "$box"
test -e /run/fstab.first || { touch /etc/fstab; cp -p /etc/fstab /run/fstab.first; }
cp -p /run/fstab.first /etc/fstab
chmod 1777 /tmp
`

// readScript prints what a case may have altered as a tar archive.
const readScript = `cp -p /etc/fstab /tmp/fstab && tar -C /tmp --numeric-owner -cf - fstab box 2>/dev/null`

// left adds what is on a host.
func (o outcome) left(ctx context.Context, h *lab.Host) error {
	archive, err := h.Run(ctx, readScript)
	if err != nil {
		return err
	}
	if err := o.archive(h.Name+":/tmp/", archive); err != nil {
		return fmt.Errorf("%s: reading what is left there: %w", h.Name, err)
	}
	mounts, err := h.Mounts(ctx)
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if strings.HasPrefix(m.Path, box) {
			o[h.Name+": mount "+m.Path] = m.Source + " " + m.Type
		}
	}
	return nil
}

func (o outcome) archive(prefix string, data []byte) error {
	r := tar.NewReader(bytes.NewReader(data))
	contents := map[string]string{}
	for {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(head.Name, "/")
		mode := head.FileInfo().Mode()
		text := fmt.Sprintf("%s %d:%d", mode, head.Uid, head.Gid)
		switch head.Typeflag {
		case tar.TypeReg:
			content, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			contents[name] = normal(name, content)
			text += "\n" + contents[name]
		case tar.TypeLink:
			text += "\n" + contents[head.Linkname]
		case tar.TypeSymlink:
			text = "-> " + head.Linkname
		}
		o[prefix+name] = text
	}
}

// here adds the files of the case's folder on this machine.
func (o outcome) here(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += "\n" + normal(name, content)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text = "-> " + target
		}
		o["here:"+name] = text
		return nil
	})
}

// differing are keys of results whose values are bound to differ from run to
// run, or that are Ansible's own affair.
var differing = map[string]string{
	"start": "a time", "end": "a time", "delta": "a time", "stop": "a time",
	"atime": "a time", "mtime": "a time", "ctime": "a time", "birthtime": "a time",
	"elapsed": "a time", "inode": "a number of the file system", "dev": "a number of the file system",
	"version": "a number of the file system", "blocks": "the file system's affair",
	"block_size": "the file system's affair", "device_type": "the file system's affair",
	"ansible_job_id": "a random number", "results_file": "the name of a temporary file",
	"invocation": "Ansible's internals", "warnings": "words for a person", "deprecations": "words for a person",
	"tmpdir": "the name of a temporary file",
}

// normal is a file's content as it is compared: JSON as its values, without
// the keys that are bound to differ.
func normal(name string, content []byte) string {
	if !utf8.Valid(content) {
		return strconv.Quote(string(content))
	}
	if filepath.Ext(name) != ".json" {
		return string(content)
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return string(content)
	}
	out, err := json.MarshalIndent(strip(v), "", " ")
	if err != nil {
		return string(content)
	}
	return string(out)
}

func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			_, differs := differing[k]
			// Some of Ansible's results leave out what isn't so: `is failed`
			// doesn't care, and `.failed` is better there than undefined.
			if differs || strings.HasPrefix(k, "_ansible_") || (k == "failed" || k == "skipped") && e == false {
				delete(v, k)
				continue
			}
			v[k] = strip(e)
		}
	case []any:
		for i, e := range v {
			v[i] = strip(e)
		}
	}
	return v
}
