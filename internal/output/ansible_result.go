package output

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"thordeploy/internal/diag"
	"thordeploy/runner"
)

// hidden is what ansible-playbook says instead of the result of a task with
// no_log.
const hidden = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"

// verboseAlways reports results that are shown without -v, and on lines of
// their own: debug's and assert's.
func verboseAlways(e runner.TaskFinished) bool {
	return !censored(e) && (e.Module == "debug" || e.Module == "assert" && e.Msg != "")
}

// censored reports a result that no_log hides.
func censored(e runner.TaskFinished) bool {
	return e.Result == nil && strings.Contains(e.Msg, "no_log")
}

// dump is a result as json.dumps(sort_keys=True, ensure_ascii=False) has it.
func (a *Ansible) dump(e runner.TaskFinished) string {
	indent := ""
	if verboseAlways(e) || a.Verbose > 2 {
		indent = "    "
	}
	var b strings.Builder
	dumpJSON(&b, a.fields(e), indent, "\n")
	return b.String()
}

// fields are what a result shows: the event's own words are put back where
// register has them.
func (a *Ansible) fields(e runner.TaskFinished) map[string]any {
	if censored(e) {
		return map[string]any{"censored": hidden, "changed": e.Changed}
	}
	out := map[string]any{}
	maps.Copy(out, e.Result)
	for key := range out {
		if strings.HasPrefix(key, "_ansible_") || key == "failed_when_result" && e.Module != "command" && e.Module != "shell" {
			delete(out, key)
		}
	}
	_, skipReason := out["skip_reason"]
	if _, ok := out["msg"]; !ok && e.Msg != "" && !skipReason {
		out["msg"] = e.Msg
	}
	if e.Module == "debug" && !failed(e.Status) {
		return debugFields(e, out)
	}
	out["changed"] = e.Changed
	if _, ok := out["cmd"]; ok {
		commandFields(out)
	}
	if e.Status == runner.Unreachable {
		out["unreachable"] = true
	}
	if e.Status == runner.Skipped && out["msg"] == "No items in the list" {
		delete(out, "msg")
		out["skipped_reason"] = "No items in the list"
	}
	for _, stream := range []string{"stdout", "stderr"} {
		if text, ok := out[stream].(string); ok {
			out[stream+"_lines"] = splitLines(text)
		}
	}
	return out
}

// debugFields are the message alone, or the variable alone (beside the item).
func debugFields(e runner.TaskFinished, out map[string]any) map[string]any {
	value := map[string]any{}
	loopVar, _ := out["ansible_loop_var"].(string)
	index, _ := out["ansible_index_var"].(string)
	for key, v := range out {
		switch key {
		case "msg", "changed", "failed_when_result", "ansible_loop_var", loopVar, "ansible_loop", "ansible_index_var", index:
		default:
			value[key] = v
		}
	}
	msg, _ := out["msg"].(string)
	switch {
	case len(value) == 0 && (loopVar == "" || !strings.HasPrefix(msg, loopVar+": ")):
		value["msg"] = out["msg"]
	case loopVar != "":
		value["ansible_loop_var"], value[loopVar] = loopVar, out[loopVar]
	}
	return value
}

// commandFields words what a command that was not run has as Python does.
func commandFields(out map[string]any) {
	if _, ok := out["msg"]; !ok {
		out["msg"] = ""
	}
	for _, key := range []string{"start", "end", "delta"} {
		msg, _ := out["msg"].(string)
		if out[key] == "" || strings.HasPrefix(msg, "Did not run command since ") {
			out[key] = nil
		}
	}
}

// splitLines is Python's str.splitlines for the line ends that programs print.
func splitLines(text string) []any {
	out := []any{}
	if text == "" {
		return out
	}
	text = strings.TrimSuffix(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n")
	for _, l := range strings.Split(text, "\n") {
		out = append(out, l)
	}
	return out
}

// dumpJSON writes x as Python's json module does; indent is "" for one line.
// nl is a line's end with the indentation so far.
func dumpJSON(b *strings.Builder, x any, indent, nl string) {
	inner, sep := nl+indent, ", "
	if indent == "" {
		inner, nl = "", ""
	} else {
		sep = "," + inner
	}
	switch x := x.(type) {
	case map[string]any:
		if len(x) == 0 {
			b.WriteString("{}")
			return
		}
		b.WriteString("{" + inner)
		for i, k := range slices.Sorted(maps.Keys(x)) {
			if i > 0 {
				b.WriteString(sep)
			}
			dumpText(b, k)
			b.WriteString(": ")
			dumpJSON(b, x[k], indent, cmp.Or(inner, "\n"))
		}
		b.WriteString(nl + "}")
	case []any:
		if len(x) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteString("[" + inner)
		for i, v := range x {
			if i > 0 {
				b.WriteString(sep)
			}
			dumpJSON(b, v, indent, cmp.Or(inner, "\n"))
		}
		b.WriteString(nl + "]")
	case string:
		dumpText(b, x)
	case float64:
		b.WriteString(pyFloat(x))
	default:
		text, err := json.Marshal(x)
		if err != nil {
			text = []byte("null")
		}
		b.Write(text)
	}
}

// dumpText writes a JSON string; what steers a terminal is escaped besides what
// JSON wants.
func dumpText(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20 || r != utf8.RuneError && diag.Escape(string(r)) != string(r):
			b.WriteString(`\u` + strconv.FormatInt(0x10000+int64(r), 16)[1:])
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// pyFloat is Python's repr of a float.
func pyFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if abs := math.Abs(f); f != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// itemLabel is what stands in (item=…): Python's str of the item, or what
// loop_control's label says.
func itemLabel(e runner.TaskFinished) string {
	if censored(e) {
		return "None"
	}
	name, _ := e.Result["ansible_loop_var"].(string)
	item, ok := e.Result[name]
	if !ok || labelled(e, item) {
		return e.Item
	}
	if s, isText := item.(string); isText {
		return s
	}
	var b strings.Builder
	pyRepr(&b, item)
	return b.String()
}

// labelled reports an item whose label isn't its own text.
func labelled(e runner.TaskFinished, item any) bool {
	switch item := item.(type) {
	case nil:
		return e.Item != ""
	case bool:
		return !strings.EqualFold(e.Item, strconv.FormatBool(item))
	case string:
		return e.Item != item && !strings.HasSuffix(e.Item, "\n"+item[max(0, len(item)-200):]) // a long one is cut
	case map[string]any, []any:
		b, err := json.Marshal(item)
		return err == nil && len(b) <= 256 && e.Item != string(b)
	}
	return e.Item != fmt.Sprint(item)
}

// pyRepr writes a value as Python's repr has it.
func pyRepr(b *strings.Builder, x any) {
	switch x := x.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if x {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case string:
		pyText(b, x)
	case []any:
		b.WriteByte('[')
		for i, v := range x {
			if i > 0 {
				b.WriteString(", ")
			}
			pyRepr(b, v)
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		for i, k := range slices.Sorted(maps.Keys(x)) {
			if i > 0 {
				b.WriteString(", ")
			}
			pyText(b, k)
			b.WriteString(": ")
			pyRepr(b, x[k])
		}
		b.WriteByte('}')
	default:
		dumpJSON(b, x, "", "\n")
	}
}

// pyText is Python's repr of a text.
func pyText(b *strings.Builder, s string) {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	b.WriteString(quote)
	for _, r := range s {
		switch {
		case string(r) == quote || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case diag.Escape(string(r)) != string(r) && r != utf8.RuneError:
			b.WriteString(diag.Escape(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString(quote)
}
