package action

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"thordeploy/transport"
)

// TestFetchIsBounded: by the task, by default, and by half of what is free.
func TestFetchIsBounded(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir()+"/f", strings.Repeat("x", 3000), 0o644)
	h := openHost(t, "dash", "dash")
	out := t.TempDir() + "/"
	mustFail(t, h.run(t, "fetch", values{"src": file, "dest": out, "flat": true, "max": "2K"}), file, "2.9 KiB", "max allows 2.0 KiB", "raise max")
	mustFail(t, h.run(t, "fetch", values{"src": file, "dest": out, "flat": true, "max": "lots"}), "max is not a size")
	nothingElse(t, out)
	mustOK(t, h.run(t, "fetch", values{"src": file, "dest": out, "flat": true, "max": "3000"}), true)

	huge := func(n int64) *host {
		return openOver(t, func(conn transport.Conn) transport.Conn {
			return lying{conn, fmt.Sprintf("file %d none - 644 2f66", n) + `\nx`}
		})
	}
	book := t.TempDir()
	mustFail(t, huge(11<<40).run(t, "fetch", values{"src": "/f", "dest": book + "/", "flat": true}), "11.0 TiB", "without max", "max: 20G")
	needRoot(t)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", book).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", book).Run() })
	mustFail(t, huge(5<<20).run(t, "fetch", values{"src": "/f", "dest": book + "/", "flat": true}), "half of what is free", "8.0 MiB are free")
	nothingElse(t, book)
}

func TestReadMax(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "12": 12, "1k": 1024, "20G": 20 << 30, "3MiB": 3 << 20, "2TB": 2 << 40, "": -1, "G": -1, "-1": -1, "9999999T": -1, "1.5G": -1} {
		got, err := readMax(text)
		if want < 0 != (err != nil) || err == nil && got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
}

// TestFetchOfAFileThatChanges: one that grows is fetched as it was when it was
// hashed, one that shrinks or is rewritten fails, and nothing is left.
func TestFetchOfAFileThatChanges(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"grows":   `while [ -e "$1.go" ]; do echo more >>"$1"; done`,
		"shrinks": `while [ -e "$1.go" ]; do : >"$1"; head -c 3000000 /dev/zero >"$1"; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := write(t, dir+"/f", strings.Repeat("start\n", 500_000), 0o644)
			flag := write(t, file+".go", "", 0o644)
			cmd := exec.Command("/bin/sh", "-c", script, "sh", file)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Remove(flag); _ = cmd.Wait() })
			h := openHost(t, "dash", "dash")
			out := t.TempDir()
			for range 5 {
				r := h.run(t, "fetch", values{"src": file, "dest": out + "/", "flat": true})
				if name == "grows" {
					mustOK(t, r, true)
					if text, _ := os.ReadFile(out + "/f"); !strings.HasPrefix(string(text), "start\nstart\n") {
						t.Errorf("%d bytes came", len(text))
					}
				} else if r.Failed {
					if !strings.Contains(r.Msg, "came") {
						t.Errorf("it failed with %q", r.Msg)
					}
					list, _ := filepath.Glob(out + "/" + tempPrefix + "*")
					if len(list) > 0 {
						t.Errorf("%q was left", list)
					}
				}
			}
		})
	}
}

// TestFetchOfALargeFile: memory stays the same whatever the size. It looks at
// the heap of the whole process, so no other test may run beside it.
func TestFetchOfALargeFile(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	const size = 256 << 20
	file := t.TempDir() + "/f"
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	h := openHost(t, "dash", "dash")
	out := t.TempDir()
	var most uint64
	stop := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // with the race detector on a busy machine
	defer cancel()
	r := h.runContext(ctx, t, "fetch", values{"src": file, "dest": out + "/", "flat": true})
	close(stop)
	<-watched
	mustOK(t, r, true)
	if info, err := os.Stat(out + "/f"); err != nil || info.Size() != size {
		t.Fatalf("%v, %v", info, err)
	}
	if most > 64<<20 {
		t.Errorf("the heap grew to %d MB", most>>20)
	}
}
