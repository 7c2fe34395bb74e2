package oracle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"thordeploy/runner"
)

// outcome is what a program did and left, as named texts: two of them differ
// where a name has another text or none.
type outcome map[string]string

// result is how a task ended on a host.
type result struct {
	Host   string `json:"host"`
	Task   string `json:"task"`
	Status string `json:"status"`
}

// said adds the results of one run and its recap.
func (o outcome) said(run string, c *Case, results []result, recap map[string]runner.Counts, exit int) {
	o[run+"exit"] = fmt.Sprint(exit)
	for host, n := range recap {
		o[run+"recap "+host] = fmt.Sprintf("ok=%d changed=%d unreachable=%d failed=%d skipped=%d rescued=%d ignored=%d",
			n.OK, n.Changed, n.Unreachable, n.Failed, n.Skipped, n.Rescued, n.Ignored)
	}
	for _, r := range results {
		o[run+"tasks "+r.Host] += r.Task + ": " + r.Status + "\n"
		if c.Sequence {
			o[run+"sequence"] += r.Host + ": " + r.Task + ": " + r.Status + "\n"
		}
	}
}

// differences lists what differs between Ansible's outcome and ours, but for
// the departures, and the departures that don't show.
func differences(c *Case, theirs, ours outcome) []string {
	var list []string
	used := make([]bool, len(c.Departs))
	names := map[string]bool{}
	for name := range theirs {
		names[name] = true
	}
	for name := range ours {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		want, ok := theirs[name]
		got, have := ours[name]
		if ok && have && want == got {
			continue
		}
		if departs(c, name, used) {
			continue
		}
		list = append(list, describe(name, want, ok, got, have))
	}
	for i, d := range c.Departs {
		if !used[i] {
			list = append(list, fmt.Sprintf("%s: no difference any more, though case.yml has one (%s)", d.What, d.Reason))
		}
	}
	return list
}

func departs(c *Case, name string, used []bool) bool {
	for i, d := range c.Departs {
		if ok, err := path.Match(d.What, name); d.What == name || err == nil && ok {
			used[i] = true
			return true
		}
	}
	return false
}

// describe tells a difference, line by line where the text has several.
func describe(name, want string, wanted bool, got string, have bool) string {
	switch {
	case !wanted:
		return fmt.Sprintf("%s: only with thordeploy: %s", name, shorten(got))
	case !have:
		return fmt.Sprintf("%s: only with ansible: %s", name, shorten(want))
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	var lines strings.Builder
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			fmt.Fprintf(&lines, "\n    ansible    %s\n    thordeploy %s", shorten(x), shorten(y))
		}
	}
	if lines.Len() == 0 {
		lines.WriteString(" only in the line break at the end")
	}
	return name + ":" + shortenTo(lines.String(), 3000)
}

func shorten(s string) string { return shortenTo(s, 600) }

func shortenTo(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// theirEvents reads what the callback plugin wrote.
func theirEvents(data []byte) (results []result, recap map[string]runner.Counts, err error) {
	recap = map[string]runner.Counts{}
	for line := range bytes.Lines(data) {
		var e struct {
			result
			Recap map[string]struct{ OK, Changed, Unreachable, Failures, Skipped, Rescued, Ignored int }
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, nil, fmt.Errorf("an event of ansible-playbook: %w: %q", err, line)
		}
		for host, n := range e.Recap {
			recap[host] = runner.Counts{OK: n.OK, Changed: n.Changed, Unreachable: n.Unreachable,
				Failed: n.Failures, Skipped: n.Skipped, Rescued: n.Rescued, Ignored: n.Ignored}
		}
		if e.Host != "" {
			results = append(results, e.result)
		}
	}
	return results, recap, nil
}

// ourEvents reads what `thordeploy --json` wrote.
func ourEvents(data []byte) (results []result, recap map[string]runner.Counts, err error) {
	var state runner.State
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		e, err := runner.UnmarshalEvent(lines.Bytes())
		if err != nil {
			return nil, nil, fmt.Errorf("an event of thordeploy: %w: %q", err, lines.Bytes())
		}
		state.Apply(e)
		f, ok := e.(runner.TaskFinished)
		if ok && !f.IsItem && !brings(f) {
			status := f.Status
			if status == runner.Rescued {
				status = runner.Failed // Ansible's recap alone knows the rescue
			}
			name := strings.TrimSpace(f.Name)
			if f.Role != "" {
				name = f.Role + " : " + name
			}
			results = append(results, result{Host: f.Host, Task: name, Status: string(status)})
		}
	}
	recap = map[string]runner.Counts{}
	for name, h := range state.Hosts {
		if h.Counts != (runner.Counts{}) { // Ansible's recap has only hosts that something happened on
			recap[name] = h.Counts
		}
	}
	return results, recap, lines.Err()
}

// brings reports whether an event is of an include that went well: of some
// Ansible tells nothing, though the recap counts them.
func brings(f runner.TaskFinished) bool {
	return (f.Module == "include_tasks" || f.Module == "include_role") && f.Status == runner.OK
}

// exitCode is thordeploy's code for what Ansible's means (docs/exit-codes.md):
// there 4 is both an unreachable host and a file that can't be read.
func exitCode(ansible int, recap map[string]runner.Counts) int {
	const unreachable, usage = 4, 5
	switch ansible {
	case 1:
		return usage
	case 4:
		for _, n := range recap {
			if n.Unreachable > 0 {
				return unreachable
			}
		}
		return usage
	}
	return ansible
}
