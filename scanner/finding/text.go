package finding

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// AppendText appends event, an *[Assessment] or a *[Message], to dst as one
// line of the text log with its newline:
//
//	Jul 10 09:08:47 HOST/IP THOR: Alert: MODULE: Filescan MESSAGE: … SCANID: S-… FILE: … SCORE: … REASON_1: …
//
// host is "HOST/IP" or the host's name alone. Times are in the zone they carry.
func AppendText(dst []byte, host string, event any) []byte {
	t := textLine{}
	switch e := event.(type) {
	case *Assessment:
		t.head(e.Meta, host, e.Message)
		t.assessment(e)
	case *Message:
		t.head(e.Meta, host, e.Message)
		t.fields(e.Fields)
	}
	return append(append(dst, t.String()...), '\n')
}

// textLine collects KEY: value pairs.
type textLine struct{ strings.Builder }

func (t *textLine) head(m Meta, host, message string) {
	fmt.Fprintf(t, "%s %s THOR: %s:", m.Time.Format("Jan _2 15:04:05"), textValue(host), m.Level)
	t.add("MODULE", m.Module)
	t.add("MESSAGE", message)
	t.add("SCANID", m.ScanID)
	t.add("UID", m.EventID)
}

// add writes one pair; an empty value is left out.
func (t *textLine) add(key, value string) {
	if value != "" {
		t.WriteString(" " + key + ": " + textValue(value))
	}
}

// forgedKey finds what would read as the next key of the line within a value.
var forgedKey = regexp.MustCompile(`\b([A-Z][A-Z0-9_]*):( |$)`)

// textValue makes a value safe for the line: printable, and without anything
// that looks like a key, so that a file's name can't add a field.
func textValue(value string) string {
	return forgedKey.ReplaceAllString(Printable(value), `$1\x3a$2`)
}

func (t *textLine) assessment(a *Assessment) {
	t.subject(a.Subject)
	t.add("SCORE", strconv.Itoa(a.Score))
	if a.ReasonCount > 0 {
		t.add("REASONS_COUNT", strconv.Itoa(a.ReasonCount))
	}
	for i, r := range a.Reasons {
		t.reason("_"+strconv.Itoa(i+1), r)
	}
}

func (t *textLine) subject(s Subject) {
	switch s := s.(type) {
	case nil:
	case *File:
		t.file(s)
	case *Process:
		t.process(s)
	default:
		t.add(strings.ToUpper(strings.ReplaceAll(s.SubjectType(), " ", "_")), s.SubjectName())
	}
}

func (t *textLine) file(f *File) {
	t.add("FILE", f.Path)
	if f.Exists != "yes" {
		t.add("EXISTS", f.Exists)
	}
	t.add("EXTENSION", f.Extension)
	t.add("TYPE", f.MagicHeader)
	if f.Hashes != nil {
		t.add("MD5", f.Hashes.MD5)
		t.add("SHA1", f.Hashes.SHA1)
		t.add("SHA256", f.Hashes.SHA256)
	}
	if f.FirstBytes != nil {
		t.add("FIRSTBYTES", f.FirstBytes.Hex+" / "+f.FirstBytes.ASCII)
	}
	if times := f.FileTimes; times != nil {
		t.time("MODIFIED", &times.Modified)
		t.time("ACCESSED", times.Accessed)
		t.time("CHANGED", times.Changed)
		t.time("CREATED", times.Created)
	}
	if f.Size > 0 || f.FileTimes != nil { // of a process's image neither is known
		t.add("SIZE", strconv.FormatInt(f.Size, 10))
	}
	if f.Permissions != nil {
		t.add("OWNER", f.Permissions.Owner)
		t.add("GROUP", f.Permissions.Group)
		t.add("PERMISSIONS", f.Permissions.Mask.String())
	}
	t.add("TARGET", f.Target)
	t.add("UNPACK_SOURCE", strings.Join(f.UnpackSource, ">"))
}

func (t *textLine) process(p *Process) {
	t.add("PID", strconv.Itoa(p.PID))
	t.add("NAME", p.Name)
	t.add("COMMAND", p.Command)
	t.add("OWNER", p.Owner)
	if p.Image != nil {
		t.file(p.Image)
	}
	if parent := p.Parent; parent != nil {
		t.add("PPID", strconv.Itoa(parent.PID))
		t.add("PARENT", parent.Exe)
		t.add("PARENT_COMMAND", parent.Command)
	}
	t.time("CREATED", p.Created)
	var ports []string
	for _, port := range p.ListenPorts {
		ports = append(ports, strconv.Itoa(int(port)))
	}
	t.add("LISTEN_PORTS", strings.Join(ports, ", "))
	for i, c := range p.Connections {
		t.add("CONNECTION_"+strconv.Itoa(i+1), c.String())
	}
}

func (t *textLine) time(key string, when *time.Time) {
	if when != nil {
		t.add(key, when.Format("2006-01-02T15:04:05.000Z07:00"))
	}
}

func (t *textLine) reason(n string, r Reason) {
	s := r.Signature
	t.add("REASON"+n, r.Summary)
	t.add("SUBSCORE"+n, strconv.Itoa(s.Score))
	t.add("REF"+n, strings.Join(s.Reference, ", "))
	t.add("SIGTYPE"+n, string(s.Origin))
	t.add("SIGCLASS"+n, string(s.Kind))
	t.add("MATCHED"+n, matchedText(r.Matched))
	t.add("RULEDATE"+n, s.Date)
	t.add("TAGS"+n, strings.Join(s.Tags, ", "))
	t.add("RULENAME"+n, s.RuleName)
	t.add("DESCRIPTION"+n, s.Description)
	t.add("AUTHOR"+n, s.Author)
	t.add("ID"+n, s.ID)
	t.add("FALSEPOSITIVES"+n, strings.Join(s.FalsePositives, ", "))
}

// matchedText lists what a signature matched on: one piece as it is, several
// as "Str1: … Str2: …".
func matchedText(matched []Matched) string {
	var pieces []string
	for i, m := range matched {
		piece := m.Data.quoted()
		if m.Context != nil {
			piece += " in " + m.Context.quoted()
		}
		if m.Offset != nil {
			piece += fmt.Sprintf(" at %#x", *m.Offset)
		}
		if m.Field != "" {
			piece += " in " + m.Field
		}
		if len(matched) > 1 {
			piece = fmt.Sprintf("Str%d: %s", i+1, piece)
		}
		pieces = append(pieces, piece)
	}
	return strings.Join(pieces, " ")
}

// quoted returns text in quotes and hex as it is.
func (t Text) quoted() string {
	if t.Encoding == "plain" {
		return strconv.Quote(t.Data)
	}
	return t.Data
}

// fields writes a message's fields in the order of their names.
func (t *textLine) fields(fields map[string]any) {
	keys := make([]string, 0, len(fields))
	for key := range fields {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		text := fmt.Sprint(fields[key])
		if reflect.ValueOf(fields[key]).Kind() == reflect.Map {
			text = strings.TrimPrefix(text, "map") // which is Go's word for it alone
		}
		t.add(strings.ToUpper(key), text)
	}
}
