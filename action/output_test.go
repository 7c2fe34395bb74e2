package action

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestKept(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, keepEnd - 1, keepEnd, keepEnd + 1, 2*keepEnd - 1, 2 * keepEnd, 2*keepEnd + 1, 3*keepEnd + 17, 10 * keepEnd} {
		for _, chunk := range []int{1 << 20, 1000, 65537} {
			all := make([]byte, size)
			for i := range all {
				all[i] = 'a' + byte(i%23)
			}
			var live []byte
			largest := 0
			k := &kept{live: func(p []byte) { live = append(live, p...); largest = max(largest, len(p)) }}
			for rest := all; len(rest) > 0; {
				n := min(chunk, len(rest))
				if m, err := k.Write(rest[:n]); m != n || err != nil {
					t.Fatalf("Write = %d, %v", m, err)
				}
				rest = rest[n:]
			}
			if !bytes.Equal(live, all) || largest > liveChunk {
				t.Errorf("%d bytes: %d came live, at most %d at once", size, len(live), largest)
			}
			want := string(all)
			cut := size > 2*keepEnd
			if cut {
				want = string(all[:keepEnd]) + fmt.Sprintf("\n… %d bytes left out …\n", size-2*keepEnd) + string(all[size-keepEnd:])
			}
			if got, truncated := k.text(); got != want || truncated != cut {
				t.Errorf("%d bytes by %d: kept %d bytes (truncated %v), want %d (%v)", size, chunk, len(got), truncated, len(want), cut)
			}
		}
	}
}

// TestKeptCutsNoRune: text of several bytes a rune stays whole at the cut.
func TestKeptCutsNoRune(t *testing.T) {
	t.Parallel()
	for shift := range 4 {
		k := &kept{live: func([]byte) {}}
		if _, err := k.Write([]byte(strings.Repeat("x", shift) + strings.Repeat("𝄞é", keepEnd))); err != nil {
			t.Fatal(err)
		}
		if got, truncated := k.text(); !truncated || strings.ContainsRune(got, utf8.RuneError) || !utf8.ValidString(got) {
			t.Errorf("shift %d: the cut went through a rune", shift)
		}
	}
}

func TestAddOutput(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		out   string
		strip bool
		want  string
		lines []any
	}{
		{"", true, "", []any{}},
		{"a\nb\n", true, "a\nb", []any{"a", "b"}},
		{"a\r\n\r\n\n", true, "a", []any{"a"}},
		{"a\n\n", false, "a\n\n", []any{"a", ""}},
		{"a\r\nb\rc", true, "a\r\nb\rc", []any{"a", "b", "c"}},
		{"\xff\xfeok\n", true, "\uFFFDok", []any{"\uFFFDok"}},
	} {
		k := &kept{live: func([]byte) {}}
		if _, err := k.Write([]byte(test.out)); err != nil {
			t.Fatal(err)
		}
		got := map[string]any{}
		addOutput(got, "stdout", k, Args{values: map[string]any{"strip_empty_ends": test.strip}})
		if diff := cmp.Diff(map[string]any{"stdout": test.want, "stdout_lines": test.lines}, got); diff != "" {
			t.Errorf("%q, strip %v (-want +got):\n%s", test.out, test.strip, diff)
		}
	}
}
