package action

import (
	"context"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// after does something in the background, and waits for it at the test's end.
func after(t *testing.T, d time.Duration, do func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		time.Sleep(d)
		done <- do()
	}()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWaitForPath(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		at := t.TempDir() + "/-a 'file'\n"
		args := map[string]any{"path": at, "timeout": 20}
		after(t, 500*time.Millisecond, func() error { return os.WriteFile(at, []byte("x"), 0o600) })
		h.trips.take()
		r := mustOK(t, h.run(t, "wait_for", args), false)
		if n := h.trips.take(); n != 1 {
			t.Errorf("%d round trips", n)
		}
		if elapsed, _ := r.Values["elapsed"].(int); elapsed > 10 {
			t.Errorf("it waited for %d s", elapsed)
		}
		wantKeys(t, r.Values, map[string]any{"path": at, "state": "file", "mode": "0600", "size": int64(1), "uid": 0, "owner": "root"})
		want(t, r, "port", nil)
		want(t, r, "search_regex", nil)
		want(t, r, "match_groups", []any{})
		want(t, r, "match_groupdict", map[string]any{})
		mustOK(t, h.run(t, "wait_for", map[string]any{"path": at, "state": "present", "timeout": 1}), false)

		after(t, 500*time.Millisecond, func() error { return os.Remove(at) })
		want(t, mustOK(t, h.run(t, "wait_for", map[string]any{"path": at, "state": "absent", "timeout": 20}), false), "state", "absent")
	})
}

func TestWaitForSearch(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		at := write(t, t.TempDir()+"/log", "starting\n", 0o600)
		after(t, 1200*time.Millisecond, func() error {
			return os.WriteFile(at, []byte("starting\nlistening on 8080 (x)\nmore\n"), 0o600)
		})
		r := mustOK(t, h.run(t, "wait_for", map[string]any{"path": at, "search_regex": `^listening on (?P<port>[0-9]+)(no)? \((.)\)$`, "timeout": 20}), false)
		want(t, r, "match_groups", []any{"8080", nil, "x"})
		want(t, r, "match_groupdict", map[string]any{"port": "8080"})
		r = h.run(t, "wait_for", map[string]any{"path": at, "search_regex": "^never$", "timeout": 2})
		wantFailed(t, r, "Timeout when waiting for search string ^never$ in "+at, "")
	})
}

func TestWaitForPort(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "::ffff:127.0.0.1"} {
			r := mustOK(t, h.run(t, "wait_for", map[string]any{"port": strconv.Itoa(port), "host": host, "timeout": 5}), false)
			want(t, r, "port", port)
			want(t, r, "path", nil)
			want(t, r, "state", "started")
		}
		wantFailed(t, h.run(t, "wait_for", map[string]any{"port": port, "state": "stopped", "timeout": 1}), "Timeout when waiting for 127.0.0.1:"+strconv.Itoa(port)+" to stop.", "")
		// Who listens at 127.0.0.1 isn't heard elsewhere.
		wantFailed(t, h.run(t, "wait_for", map[string]any{"port": port, "host": "127.0.0.2", "timeout": 1, "msg": "not there"}), "not there", "")
		// A connection is nobody who listens.
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		after(t, 500*time.Millisecond, l.Close)
		mustOK(t, h.run(t, "wait_for", map[string]any{"port": port, "state": "stopped", "timeout": 20}), false)
		r := h.run(t, "wait_for", map[string]any{"port": port, "timeout": 1})
		wantFailed(t, r, "Timeout when waiting for 127.0.0.1:"+strconv.Itoa(port), "")
		if elapsed, ok := r.Values["elapsed"].(int); !ok || elapsed < 1 {
			t.Errorf("elapsed is %v", r.Values["elapsed"])
		}
	})
}

// The lines are those that Linux writes.
func TestListeners(t *testing.T) {
	t.Parallel()
	const (
		any4  = "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1"
		lo4   = "  12: 0100007F:1F90 00000000:0000 0A 00000000"
		eth4  = "   1: 0A00000A:1F90 00000000:0000 0A 00000000"
		conn4 = "   1: 0100007F:1F90 0100007F:C001 01 00000000"
		any6  = "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000"
		lo6   = "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000"
		map6  = "   0: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 00000000"
	)
	for host, heard := range map[string][]string{
		"127.0.0.1": {any4, lo4, any6, map6}, "localhost": {any4, lo4, any6, map6, lo6}, "::1": {any6, lo6}, "::": {any6, lo6}, "127.0.0.2": {any4, any6},
	} {
		w := &waiting{}
		if err := w.listeners(host, 8080); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{any4, lo4, eth4, conn4, any6, lo6, map6} {
			expr, got := w.listen[0], false
			if line[14] != ':' { // an address of IPv6
				expr = w.listen[1]
			}
			if expr != "" {
				got = regexp.MustCompile(expr).MatchString(line)
			}
			should := false
			for _, l := range heard {
				should = should || l == line
			}
			if got != should {
				t.Errorf("%s: %q: %v", host, line, got)
			}
		}
	}
	if got := procAddress(netip.MustParseAddr("10.0.0.200")); got != "C800000A" {
		t.Errorf("got %s", got)
	}
}

func TestWaitForRefuses(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		dir := t.TempDir()
		file := write(t, dir+"/file", "", 0o600)
		mustFail(t, h.run(t, "wait_for", map[string]any{"path": file + "/x", "timeout": 9}), "Failed to stat "+file+"/x, Not a directory")
		mustFail(t, h.run(t, "wait_for", map[string]any{"path": dir + "/none", "timeout": 1}), "Timeout when waiting for file "+dir+"/none")
		mustFail(t, h.run(t, "wait_for", map[string]any{"path": file, "timeout": 0}), "Timeout") // as in Ansible
		mustFail(t, h.run(t, "wait_for", map[string]any{"path": file, "state": "absent", "timeout": 1}), "to be absent.")
		mustFail(t, h.run(t, "wait_for", map[string]any{"path": file, "state": "stopped"}), "about a port", "absent")
		mustFail(t, h.run(t, "wait_for", map[string]any{"port": 22, "host": "192.0.2.1"}), `"192.0.2.1"`, "its own ports only", "leave host out")
		mustFail(t, h.run(t, "wait_for", map[string]any{"port": 22, "host": "example.org"}), `"example.org"`)
		mustFail(t, h.run(t, "wait_for", map[string]any{"port": 70000}), "port can't be 70000")
		mustFail(t, h.run(t, "wait_for", map[string]any{"port": 22, "search_regex": "SSH"}), "for path only")
		mustFail(t, h.run(t, "wait_for", map[string]any{"path": file, "search_regex": "(?=x)"}), "RE2")
		mustFail(t, h.run(t, "wait_for", map[string]any{"path": file, "timeout": -1}), "timeout can't be -1")
		if r := h.run(t, "wait_for", map[string]any{"path": file}, inCheck); !r.Skipped {
			t.Errorf("in check mode: %+v", r)
		}
	})
	s, _ := Lookup("wait_for")
	for _, bad := range []map[string]any{{"path": "/x", "port": 1}, {"port": 1, "state": "drained"}} {
		if _, err := s.Bind(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

// Without path and port it waits; a wait on the host ends with its task.
func TestWaitForTime(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		start := time.Now()
		r := mustOK(t, h.run(t, "wait_for", map[string]any{"timeout": 1}), false)
		if took := time.Since(start); took < time.Second || took > 5*time.Second || r.Values["elapsed"] != 1 {
			t.Errorf("it took %v, %+v", took, r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		r = h.runContext(ctx, t, "wait_for", map[string]any{"path": "/no/such/path"})
		if !r.TimedOut || time.Since(start) > 12*time.Second {
			t.Errorf("got %+v after %v", r, time.Since(start))
		}
	})
}
