package action

import (
	"testing"
)

func TestShell(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		r := h.run(t, "shell", map[string]any{"cmd": "echo $TD_V | tr a-z A-Z; false || echo 'second'\necho third"}, withEnv("TD_V", "one"))
		want(t, r, "stdout", "ONE\nsecond\nthird")
		want(t, r, "cmd", "echo $TD_V | tr a-z A-Z; false || echo 'second'\necho third")
		if !r.Changed {
			t.Error("not changed")
		}
		want(t, h.run(t, "shell", map[string]any{"cmd": "[[ a == a* ]] && echo $0", "executable": "/bin/bash"}), "stdout", "/bin/bash")
		want(t, h.run(t, "shell", map[string]any{"cmd": "cat", "stdin": "in"}), "stdout", "in")
		want(t, h.run(t, "shell", map[string]any{"cmd": "pwd", "chdir": "/usr"}), "stdout", "/usr")
		wantFailed(t, h.run(t, "shell", map[string]any{"cmd": "x", "executable": "/bin/td-none"}), "no such program: /bin/td-none", "")
		r = h.run(t, "shell", map[string]any{"cmd": "exit 4"})
		if !r.Failed || r.Msg != "non-zero return code" {
			t.Errorf("got %+v", r)
		}
		want(t, r, "rc", 4)
	})
}

func TestRaw(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		r := h.run(t, "raw", map[string]any{"cmd": `printf '%s\n' "a'b" "${TD_V-unset}"`}, withEnv("TD_V", "set"))
		want(t, r, "stdout", "a'b\nunset\n")
		want(t, r, "stdout_lines", []any{"a'b", "unset"})
		want(t, r, "rc", 0)
		if !r.Changed || r.Failed {
			t.Errorf("got %+v", r)
		}
		if r := h.run(t, "raw", map[string]any{"cmd": "exit 2"}); !r.Failed || r.Values["rc"] != 2 {
			t.Errorf("got %+v", r)
		}
		want(t, h.run(t, "raw", map[string]any{"cmd": "[[ 1 ]] && echo bash", "executable": "/bin/bash"}), "stdout", "bash\n")
		h.trips.take()
		if r := h.run(t, "raw", map[string]any{"cmd": "echo no"}, inCheck); !r.Skipped || r.Changed || h.trips.take() != 0 {
			t.Errorf("in check mode: %+v", r)
		}
	})
}
