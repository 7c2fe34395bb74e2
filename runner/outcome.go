package runner

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strings"
	"unicode/utf8"

	"thordeploy/action"
)

// maxText bounds each text of an event's Result, in bytes.
const maxText = 64 << 10

// outcome is what became of a task, or of one item of its loop.
type outcome struct {
	action.Result
	place    string           // file:line:column, where it isn't the task's own
	halted   bool             // it was stopped by the run (interrupt, host's time), not by itself
	results  []map[string]any // of a loop's items; nil without a loop
	item     string           // of an item: what it is shown as
	hidden   bool             // of an item, and of a loop that has one: no_log is set
	ignored  bool             // of an item: ignore_errors is set; of a loop: for all that failed
	delegate string           // the host it was delegated to, empty for its own
	notify   []string         // handlers that it notifies if it changed something
}

// value sets one of the return values.
func (o *outcome) value(name string, v any) {
	if o.Values == nil {
		o.Values = map[string]any{}
	}
	o.Values[name] = v
}

func failedOutcome(msg, hint string) outcome {
	return outcome{Result: action.Result{Failed: true, Msg: msg, Hint: hint}}
}

// registered is what `register` gets.
func (o outcome) registered() map[string]any {
	m := make(map[string]any, len(o.Values)+5)
	maps.Copy(m, o.Values)
	m["changed"] = o.Changed
	m["failed"] = o.Failed
	if o.Skipped {
		m["skipped"] = true
	}
	if _, own := m["msg"]; !own && !o.reasoned() && (o.Msg != "" || o.results != nil) {
		m["msg"] = o.Msg
	}
	if o.Lost != nil {
		m["unreachable"] = true
	}
	if len(o.Facts)+len(o.Vars) > 0 {
		facts := maps.Clone(o.Facts)
		if facts == nil {
			facts = map[string]any{}
		}
		maps.Copy(facts, o.Vars)
		m["ansible_facts"] = facts
	}
	if len(o.Diff) > 0 {
		m["diff"] = diffValues(o.Diff)
	}
	if o.results != nil {
		list := make([]any, len(o.results))
		for i, r := range o.results {
			list[i] = r
		}
		m["results"] = list
	}
	return m
}

// reasoned reports whether a skipped task's values say why, as Ansible has it in
// place of a msg.
func (o outcome) reasoned() bool {
	_, one := o.Values["skip_reason"]
	_, loop := o.Values["skipped_reason"]
	return o.Skipped && (one || loop)
}

// diffValues is a result's diff as Ansible registers it: a list of mappings.
func diffValues(list []action.Change) []any {
	out := make([]any, len(list))
	for i, c := range list {
		m := map[string]any{"before": c.Before, "after": c.After, "before_header": c.BeforeHeader, "after_header": c.AfterHeader}
		if c.Note != "" {
			m["note"] = c.Note
		}
		out[i] = m
	}
	return out
}

// combined is a loop's result: what its items come to together.
func combined(items []outcome) outcome {
	all := outcome{Result: action.Result{Msg: "All items completed"}, results: []map[string]any{}}
	all.Skipped, all.ignored = true, true
	for _, o := range items {
		all.hidden = all.hidden || o.hidden
		all.ignored = all.ignored && (o.ignored || !o.Failed)
		all.notify = append(all.notify, o.notify...)
		all.delegate = o.delegate
		all.Changed = all.Changed || o.Changed
		all.Skipped = all.Skipped && o.Skipped
		all.halted = all.halted || o.halted
		if o.Failed && !all.Failed {
			all.Failed, all.Msg, all.Hint, all.TimedOut, all.place = true, "One or more items failed", o.Hint, o.TimedOut, o.place
		}
		if o.Lost != nil {
			all.Lost, all.Failed, all.Msg, all.Hint = o.Lost, true, o.Msg, o.Hint
		}
		all.results = append(all.results, o.registered())
	}
	switch {
	case len(items) == 0:
		all.Msg = "No items in the list"
		all.value("skipped_reason", all.Msg)
	case all.Skipped:
		all.Msg = "All items skipped"
	}
	return all
}

// reported is a registered result as an event carries it: JSON's own types,
// bounded texts, and nothing twice (msg is the event's, stdout_lines is stdout
// again, results are the items' own events, diff is the event's, facts are many).
func reported(m map[string]any, msg string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		switch {
		case k == "stdout_lines" || k == "stderr_lines" || k == "results" || k == "ansible_facts" || k == "diff":
			continue
		case k == "changed" || k == "failed" || k == "skipped" || k == "unreachable" || k == "msg" && v == any(msg):
			continue // fields of the event
		}
		out[k] = plain(v, 0)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// plain turns any value into JSON's types with bounded, valid texts.
func plain(v any, depth int) any {
	if depth > 20 {
		return "…"
	}
	switch v := v.(type) {
	case nil, bool, int, int64:
		return v
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
		return v
	case string:
		return bounded(v, maxText)
	case []byte:
		return bounded(string(v), maxText)
	case []string:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = bounded(e, maxText)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e, depth+1)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e, depth+1)
		}
		return out
	}
	return bounded(fmt.Sprint(v), maxText)
}

// bounded is s as valid UTF-8 with at most n bytes of it, its end kept, since
// the end is where a program says why it stopped.
func bounded(s string, n int) string {
	if len(s) > n {
		cut := len(s) - n
		for cut < len(s) && !utf8.RuneStart(s[cut]) {
			cut++
		}
		s = fmt.Sprintf("… (%d bytes left out)\n", cut) + s[cut:]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// label is a loop item as an event shows it.
func label(item any) string {
	switch v := item.(type) {
	case string:
		return bounded(v, 256)
	case map[string]any, []any:
		if b, err := json.Marshal(plain(v, 0)); err == nil {
			return bounded(string(b), 256)
		}
	}
	return bounded(scalar(item), 256)
}
