package filesystem

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"thordeploy/scanner"
)

// mount mounts a tmpfs for the test alone.
func mount(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", path, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatalf("mounting a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", path, err)
		}
	})
}

func TestOtherMounts(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	put(t, root+"/here", "h")
	mount(t, root+"/a mount")
	put(t, root+"/a mount/there", "t")

	got, led, err := walkAll(t, &Source{Paths: []string{root}}, root)
	if err != nil || !cmp.Equal(got, []string{"here=h"}) {
		t.Errorf("staying on the mount: %v, error %v", got, err)
	}
	wantCounts(t, led, map[scanner.Skip]int64{scanner.SkipMount: 1})

	got, led, err = walkAll(t, &Source{Paths: []string{root}, AllMounts: true}, root)
	if err != nil || !cmp.Equal(got, []string{"a mount/there=t", "here=h"}) {
		t.Errorf("all mounts: %v, error %v, ledger %s", got, err, led)
	}

	// Without a mount table, as in a chroot, the device tells.
	w := testWalk(t, func(o *scanner.Object) bool { _ = o.Content.Close(); return true })
	if err := w.root(root); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, w.led, map[scanner.Skip]int64{scanner.SkipMount: 1})
}

// A mount that doesn't answer must not even be opened: its type, from the mount
// table, decides.
func TestMountsAreJudgedBeforeTheyAreTouched(t *testing.T) {
	root := t.TempDir()
	put(t, root+"/nfs/file", "f")
	put(t, root+"/proc/file", "f")
	put(t, root+"/fuse/file", "f")
	put(t, root+"/file", "f") // one file alone can be a mount point, too
	w := testWalk(t, func(o *scanner.Object) bool { t.Errorf("%s was opened", o.Name); return true })
	w.allMounts = true
	w.mounts = map[string]string{root + "/nfs": "nfs4", root + "/proc": "proc", root + "/fuse": "fuse.sshfs", root + "/file": "nfs"}
	if err := w.root(root); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, w.led, map[scanner.Skip]int64{scanner.SkipNetworkFS: 3, scanner.SkipPseudo: 1})
}

func TestParseMounts(t *testing.T) {
	table := `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /mnt/with\040blank\134 rw - nfs4 server:/x rw,vers=4.2
31 22 0:26 / /mnt/twice rw master:1 shared:2 - ext4 /dev/sdb rw
32 22 0:27 / /mnt/twice rw - tmpfs tmpfs rw
not a line of it
33 22 0:28 / /short
`
	want := map[string]string{"/": "ext4", `/mnt/with blank\`: "nfs4", "/mnt/twice": "tmpfs"}
	if diff := cmp.Diff(want, parseMounts(table)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKindsOfFilesystems(t *testing.T) {
	for magic, want := range map[int64]kind{
		unix.PROC_SUPER_MAGIC: pseudo, unix.SYSFS_MAGIC: pseudo, unix.CGROUP2_SUPER_MAGIC: pseudo, unix.BPF_FS_MAGIC: pseudo,
		unix.DEVPTS_SUPER_MAGIC: pseudo, unix.TRACEFS_MAGIC: pseudo, unix.SECURITYFS_MAGIC: pseudo, unix.DEBUGFS_MAGIC: pseudo,
		unix.NFS_SUPER_MAGIC: network, unix.CIFS_SUPER_MAGIC: network, unix.SMB2_SUPER_MAGIC: network, unix.V9FS_MAGIC: network,
		unix.FUSE_SUPER_MAGIC: network, unix.CEPH_SUPER_MAGIC: network, unix.AFS_SUPER_MAGIC: network, unix.AUTOFS_SUPER_MAGIC: pseudo,
		unix.EXT4_SUPER_MAGIC: local, unix.XFS_SUPER_MAGIC: local, unix.BTRFS_SUPER_MAGIC: local, unix.TMPFS_MAGIC: local,
		unix.RAMFS_MAGIC: local, unix.OVERLAYFS_SUPER_MAGIC: local, -0x1000000<<8 | unix.CIFS_SUPER_MAGIC: network,
	} {
		if got := kindOf(magic); got != want {
			t.Errorf("magic %#x is of kind %d, want %d", magic, got, want)
		}
	}
}

// FuzzParseMounts gives the parser of the mount table any text.
func FuzzParseMounts(f *testing.F) {
	f.Add("22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n")
	f.Add(`1 2 3 4 /a\040\999\04 - x`)
	f.Fuzz(func(t *testing.T, table string) {
		for point, fstype := range parseMounts(table) {
			if point == "" || fstype == "" {
				t.Errorf("mount point %q of type %q", point, fstype)
			}
		}
	})
}
