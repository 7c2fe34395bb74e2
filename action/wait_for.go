package action

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// waitForSpec is ansible.builtin.wait_for, as far as a host can be asked with
// nothing but its shell: it tells what is at a path and what listens on its own
// ports. Nothing connects anywhere.
func waitForSpec() *Spec {
	return &Spec{
		Name: "wait_for",
		Params: []Param{
			{Name: "path", Type: Path, Doc: "what is to be there, or is to go"},
			{Name: "port", Type: Int, Doc: "TCP port of the host itself: in /proc/net/tcp and tcp6 it is looked up whether anything listens; nothing connects"},
			{Name: "host", Type: String, Default: "127.0.0.1", Doc: "with port: a loopback address or localhost; others can't be asked about"},
			{Name: "state", Type: String, Default: "started", Choices: []string{"absent", "present", "started", "stopped"},
				Doc: "started, present: it listens or is there; stopped (of a port), absent: it doesn't or isn't. Ansible's drained is not done"},
			{Name: "search_regex", Type: String, Doc: "with path: a regular expression (RE2's) that the file's first 16 MiB are to match, ^ and $ at each line"},
			{Name: "timeout", Type: Int, Default: 300, Doc: "seconds, with the delay; without path and port, how long to wait"},
			{Name: "delay", Type: Int, Default: 0, Doc: "seconds before the first look"},
			{Name: "sleep", Type: Int, Default: 1, Doc: "seconds between looks, at least one"},
			{Name: "msg", Type: String, Doc: "what to say when the time is over"},
			{Name: "connect_timeout", Type: Int, Default: 5, Doc: "accepted"},
		},
		Exclusive: [][]string{{"path", "port"}},
		Doc:       "Wait for a file, or for what listens on a port of the host.",
		Run:       runWaitFor,
	}
}

// waiting is one wait on one host.
type waiting struct {
	call   *Call
	start  time.Time
	end    time.Time
	pause  int // seconds
	search *regexp.Regexp
	listen [2]string // expressions of grep -E for lines of /proc/net/tcp and tcp6
	groups []any
	named  map[string]any
	file   map[string]any // what is at path, as Ansible adds it
}

func runWaitFor(ctx context.Context, c *Call) Result {
	if c.Check {
		return noCheckMode("wait_for")
	}
	w, err := newWaiting(c)
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	a := c.Args
	first := a.Int("delay")
	if !a.Has("path") && !a.Has("port") {
		first += a.Int("timeout")
	}
	if first > 0 {
		if err := sleep(ctx, time.Duration(first)*time.Second); err != nil {
			return broken(err)
		}
	}
	var r Result
	if a.Has("path") || a.Has("port") {
		r = w.wait(ctx)
	}
	if r.Lost != nil || r.TimedOut {
		return r
	}
	r.Values = map[string]any{"elapsed": int(time.Since(w.start).Seconds())}
	if r.Failed {
		return r
	}
	for _, key := range []string{"state", "port", "path", "search_regex"} {
		r.Values[key] = a.Raw(key)
	}
	r.Values["match_groups"], r.Values["match_groupdict"] = w.groups, w.named
	maps.Copy(r.Values, w.file) // state too: "file", not "started"
	return r
}

// maxWait bounds each number of seconds: three years.
const maxWait = 100_000_000

func newWaiting(c *Call) (*waiting, error) {
	a := c.Args
	for _, which := range []string{"timeout", "delay", "sleep"} {
		if n := a.Int(which); n < 0 || n > maxWait {
			return nil, fmt.Errorf("%s can't be %d seconds", which, n)
		}
	}
	w := &waiting{call: c, start: time.Now(), pause: max(a.Int("sleep"), 1), groups: []any{}, named: map[string]any{}}
	w.end = w.start.Add(time.Duration(a.Int("timeout")) * time.Second)
	if a.Has("path") && a.Str("path") == "" {
		return nil, &typeError{text: "path is empty", hint: "name what to wait for"}
	}
	if a.Has("path") && a.Str("state") == "stopped" {
		return nil, &typeError{text: "state=stopped is about a port", hint: "of a path it is absent"}
	}
	if a.Has("search_regex") {
		if !a.Has("path") {
			return nil, &typeError{text: "search_regex is done for path only: what a port would say is not looked at", hint: "wait for the port first, and then for a line in the program's log"}
		}
		var err error
		if w.search, err = regexp.Compile("(?m)" + a.Str("search_regex")); err != nil {
			return nil, &typeError{text: fmt.Sprintf("invalid regular expression: %v", err), hint: "regular expressions are RE2's: no look-around, no back-references"}
		}
	}
	if a.Has("port") {
		return w, w.listeners(a.Str("host"), a.Int("port"))
	}
	return w, nil
}

// listeners words the lines of /proc/net/tcp (proc(5)) that mean: somebody who
// connects to host and port will be heard. One who listens at :: hears IPv4 too,
// unless he asked not to, which the table doesn't tell.
func (w *waiting) listeners(host string, port int) error {
	if port < 1 || port > 65535 {
		return fmt.Errorf("port can't be %d", port)
	}
	at, err := netip.ParseAddr(host)
	if host == "localhost" {
		at, err = netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	at = at.Unmap()
	if at.IsUnspecified() { // connecting there is connecting to oneself
		if at = netip.IPv6Loopback(); !strings.Contains(host, ":") {
			at = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
	}
	if err != nil || !at.IsLoopback() {
		return &typeError{
			text: fmt.Sprintf("whether %q listens on port %d can't be told: a host is asked about its own ports only, and nothing connects elsewhere", shorten(host), port),
			hint: "leave host out to ask about the target itself",
		}
	}
	zero6 := strings.Repeat("0", 32)
	var v4, v6 []string
	if at.Is4() {
		v4 = []string{"00000000", procAddress(at)}
		v6 = []string{zero6, "0000000000000000FFFF0000" + procAddress(at)}
	} else {
		v6 = []string{zero6, procAddress(at)}
	}
	if host == "localhost" {
		v6 = append(v6, procAddress(netip.IPv6Loopback()))
	}
	for i, addresses := range [][]string{v4, v6} {
		if len(addresses) > 0 {
			w.listen[i] = fmt.Sprintf("^ *[0-9]+: (%s):%04X [0-9A-F]+:[0-9A-F]+ 0A ", strings.Join(addresses, "|"), port)
		}
	}
	return nil
}

// procAddress is an address as /proc/net/tcp has it on a little-endian machine:
// words of four bytes, each the wrong way round.
func procAddress(at netip.Addr) string {
	b := at.AsSlice()
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	return strings.ToUpper(hex.EncodeToString(b))
}

// wait has the host wait, and looks at what a file holds each time that the
// file is another one.
func (w *waiting) wait(ctx context.Context) Result {
	a := w.call.Args
	want, seen := "there", ""
	if s := a.Str("state"); s == "absent" || s == "stopped" {
		want = "gone"
	}
	for {
		left := int(math.Ceil(time.Until(w.end).Seconds()))
		if left <= 0 {
			return w.over()
		}
		reply, r := half(ctx, w.call, "wait_for", a.Str("path"), want, strconv.Itoa(left), strconv.Itoa(w.pause), seen, w.listen[0], w.listen[1])
		switch {
		case r.Failed:
			return r
		case !isYes(reply.Values["met"]):
			return w.over()
		case want == "gone":
			return Result{}
		case a.Has("path"):
			w.file = fileValues(reply)
		}
		if w.search == nil {
			return Result{}
		}
		if met, r := w.look(ctx); met || r.Failed {
			return r
		}
		seen = reply.Values["seen"]
		if err := sleep(ctx, min(time.Duration(w.pause)*time.Second, time.Until(w.end))); err != nil {
			return broken(err)
		}
	}
}

// look matches the file against search_regex.
func (w *waiting) look(ctx context.Context) (bool, Result) {
	s, err := slurp(ctx, w.call, w.call.Args.Str("path"), maxSlurp)
	if err != nil {
		return false, broken(err)
	}
	m := w.search.FindSubmatchIndex(s.content)
	if m == nil {
		if s.over {
			return false, failed(fmt.Sprintf("%s is larger than %s, and nothing up to there matches search_regex", s.path, bytesText(maxSlurp)), "look for it with command: grep")
		}
		return false, Result{}
	}
	for i, name := range w.search.SubexpNames()[1:] {
		var group any // null where it took no part
		if from := m[2*i+2]; from >= 0 {
			group = text8(string(s.content[from:m[2*i+3]]))
		}
		w.groups = append(w.groups, group)
		if name != "" {
			w.named[name] = group
		}
	}
	return true, Result{}
}

// over is the failure where the time is over, in Ansible's words.
func (w *waiting) over() Result {
	a := w.call.Args
	gone := a.Str("state") == "absent" || a.Str("state") == "stopped"
	at := fmt.Sprintf("%s:%d", a.Str("host"), a.Int("port"))
	msg := "Timeout when waiting for " + at
	switch {
	case a.Has("msg"):
		msg = a.Str("msg")
	case a.Has("path") && gone:
		msg = fmt.Sprintf("Timeout when waiting for %s to be absent.", a.Str("path"))
	case a.Has("path") && a.Has("search_regex"):
		msg = fmt.Sprintf("Timeout when waiting for search string %s in %s", a.Str("search_regex"), a.Str("path"))
	case a.Has("path"):
		msg = "Timeout when waiting for file " + a.Str("path")
	case gone:
		msg += " to stop."
	}
	return failed(msg, "")
}
