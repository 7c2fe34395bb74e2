package bundle

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// ruleText is text that compresses as rules do.
func ruleText(n int) string {
	random := rand.New(rand.NewChaCha8([32]byte{7}))
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "rule r { strings: $a = { %x } }\n", random.Uint64())
	}
	return b.String()[:n]
}

// TestPackedStreams: what targets have undoes what is sent, whatever the sizes:
// files beside each other in a member, apart, and larger than a member.
func TestPackedStreams(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"empty": "", "small": "x", "d/middle": ruleText(40 << 10), "d/large": ruleText(2<<20 + 17),
		"d/exact": ruleText(memberSize), "last": "y",
	}
	for _, c := range []struct {
		name string
		max  int64
	}{{"held", 0}, {"read again", 1}, {"no room for what is compressed", 3<<20 + 100<<10}} {
		for _, words := range []string{"gzip -dc", "busybox gzip -dc", "zstd -dc"} {
			t.Run(c.name+" "+words, func(t *testing.T) {
				t.Parallel()
				if strings.HasPrefix(words, "zstd") {
					if _, err := exec.LookPath("zstd"); err != nil && os.Getenv("CI") != "true" {
						t.Skip(err)
					}
				}
				codec := Gzip
				if strings.HasPrefix(words, "zstd") {
					codec = Zstd
				}
				cache := Cache{MaxBytes: c.max}
				tree := mustTree(t, &cache, plant(t, files)+"/")
				for range 2 { // the second host takes what the first has made
					var b bytes.Buffer
					a := cache.Stream(&b, tree, codec)
					for i, e := range tree.Entries {
						if err := a.Add(i, e.Mode); err != nil {
							t.Fatal(err)
						}
					}
					if err := a.Close(); err != nil {
						t.Fatal(err)
					}
					if int64(b.Len()) > tree.Size*3/4 {
						t.Errorf("%d bytes of %d are left", b.Len(), tree.Size)
					}
					to := t.TempDir()
					cmd := exec.Command("sh", "-c", words+" | tar -xopmf - -C '"+to+"'")
					cmd.Stdin = &b
					if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
						t.Fatalf("%v\n%s", err, out)
					}
					for name, text := range files {
						if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != text {
							t.Errorf("%s: %d bytes, want %d, %v", name, len(got), len(text), err)
						}
					}
					for i, e := range tree.Entries {
						if !e.Mode.IsRegular() {
							continue
						}
						var one bytes.Buffer
						if err := cache.WriteFileAs(&one, tree, i, codec); err != nil {
							t.Fatal(err)
						}
						cmd := exec.Command("sh", "-c", words)
						cmd.Stdin = &one
						if out, err := cmd.Output(); err != nil || string(out) != files[e.Path] {
							t.Errorf("%s alone: %d bytes, %v", e.Path, len(out), err)
						}
					}
				}
				if limit := cache.MaxBytes; limit > 0 && cache.held > limit {
					t.Errorf("%d bytes held of %d", cache.held, limit)
				}
			})
		}
	}
}

// TestHostsShareWhatIsCompressed: once for all of them, and it is given back
// with the tree.
func TestHostsShareWhatIsCompressed(t *testing.T) {
	t.Parallel()
	root := plant(t, map[string]string{"f": ruleText(3 << 20)})
	var c Cache
	tree := mustTree(t, &c, root+"/")
	var hosts sync.WaitGroup
	for range 8 {
		hosts.Go(func() {
			a := c.Stream(io.Discard, tree, Gzip)
			if err := a.Add(0, 0o644); err != nil {
				t.Error(err)
			}
		})
	}
	hosts.Wait()
	list := tree.blocks(0, Gzip)
	var size int64
	for i := range list {
		size += int64(len(list[i].data))
	}
	if len(list) != 3 || size == 0 || c.held != tree.Size+size {
		t.Errorf("%d members of %d bytes; held: %d, want %d", len(list), size, c.held, tree.Size+size)
	}
	if err := os.WriteFile(filepath.Join(root, "f"), []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	mustTree(t, &c, root+"/")
	if err := c.WriteFileAs(io.Discard, tree, 0, Zstd); err != nil { // a host that was late
		t.Fatal(err)
	}
	if c.held != 3 {
		t.Errorf("%d bytes held of a tree that is gone", c.held)
	}
}

func TestShrinks(t *testing.T) {
	t.Parallel()
	random := make([]byte, 300<<10)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(random)
	var c Cache
	for text, most := range map[string][2]float64{ruleText(300 << 10): {0.1, 0.7}, string(random): {0.95, 1.1}} {
		tree := mustTree(t, &c, plant(t, map[string]string{"f": text})+"/")
		if got := c.Shrinks(tree); got < most[0] || got > most[1] {
			t.Errorf("estimated to shrink to %.2f, want %v", got, most)
		}
	}
	unread := Cache{MaxBytes: 1}
	if got := unread.Shrinks(mustTree(t, &unread, plant(t, map[string]string{"f": "text"})+"/")); got != 1 {
		t.Errorf("what isn't held shrinks to %.2f", got)
	}
}
