package playbook

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// moment is a point in time: what to_datetime and now give.
type moment struct{ time.Time }

// text is Python's str() of a datetime.
func (m moment) text() string {
	s := m.Format("2006-01-02 15:04:05")
	if us := m.Nanosecond() / 1000; us > 0 {
		s += fmt.Sprintf(".%06d", us)
	}
	return s
}

// span is the time between two moments (Python's timedelta).
type span struct{ time.Duration }

// text is Python's str() of a timedelta: 1 day, 2:03:04.
func (s span) text() string {
	days, rest := s.parts()
	out := ""
	if days != 0 {
		unit := "days"
		if days == 1 || days == -1 {
			unit = "day"
		}
		out = fmt.Sprintf("%d %s, ", days, unit)
	}
	out += fmt.Sprintf("%d:%02d:%02d", int(rest.Hours()), int(rest.Minutes())%60, int(rest.Seconds())%60)
	if us := rest.Microseconds() % 1e6; us > 0 {
		out += fmt.Sprintf(".%06d", us)
	}
	return out
}

func (s span) parts() (days int, rest time.Duration) {
	const day = 24 * time.Hour
	days, rest = int(s.Duration/day), s.Duration%day
	if rest < 0 {
		days, rest = days-1, rest+day
	}
	return days, rest
}

// member gives an attribute of a moment or a span.
func (m moment) member(name string) (any, bool) {
	v, ok := map[string]int{
		"year": m.Year(), "month": int(m.Month()), "day": m.Day(), "hour": m.Hour(), "minute": m.Minute(),
		"second": m.Second(), "microsecond": m.Nanosecond() / 1000,
	}[name]
	return v, ok
}

func (s span) member(name string) (any, bool) {
	days, rest := s.parts()
	v, ok := map[string]int{
		"days": days, "seconds": int(rest / time.Second), "microseconds": int(rest.Microseconds() % 1e6),
	}[name]
	return v, ok
}

// nowFunction is now(utc=false, fmt=none).
func nowFunction(_ *evaluation, a arguments) (any, error) {
	a.params = []string{"utc?", "fmt?"}
	t := time.Now()
	if a.flag(0, false) {
		t = t.UTC()
	}
	if layout := a.text(1, ""); layout != "" {
		return strftime(layout, t), nil
	}
	return moment{t.Truncate(time.Microsecond)}, nil
}

// strftimeFilter is format | strftime(seconds, utc).
func strftimeFilter(_ *evaluation, in any, a arguments) (any, error) {
	t := time.Now()
	if v, ok := a.get(0); ok && v != nil {
		seconds, err := strconv.ParseFloat(strings.TrimSpace(toText(v)), 64)
		if err != nil || seconds < -1e11 || seconds > 1e12 {
			return nil, fmt.Errorf("seconds since 1970 are needed, not %q", toText(v))
		}
		t = time.Unix(int64(seconds), 0)
	}
	if a.flag(1, false) {
		t = t.UTC()
	}
	return strftime(pythonText(in), t), nil
}

// strftime formats as strftime(3) in the C locale.
func strftime(layout string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			b.WriteByte(layout[i])
			continue
		}
		i++
		if out, ok := timeField(layout[i], t); ok {
			b.WriteString(out)
		} else {
			b.WriteString(layout[i-1 : i+1])
		}
	}
	return b.String()
}

// timeLayouts are the fields that Go's own layouts have.
var timeLayouts = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon",
	'p': "PM", 'I': "03", 'j': "002", 'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'R': "15:04", 'e': "_2",
	'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05", 'r': "03:04:05 PM",
}

func timeField(c byte, t time.Time) (string, bool) {
	if layout, ok := timeLayouts[c]; ok {
		return t.Format(layout), true
	}
	year, week := t.ISOWeek()
	weekday, day := int(t.Weekday()), t.YearDay()-1
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 's':
		return strconv.FormatInt(t.Unix(), 10), true
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case 'w':
		return strconv.Itoa(weekday), true
	case 'u':
		return strconv.Itoa((weekday+6)%7 + 1), true
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), true
	case 'G':
		return strconv.Itoa(year), true
	case 'g':
		return fmt.Sprintf("%02d", year%100), true
	case 'V':
		return fmt.Sprintf("%02d", week), true
	case 'U':
		return fmt.Sprintf("%02d", (day+7-weekday)/7), true
	case 'W':
		return fmt.Sprintf("%02d", (day+7-(weekday+6)%7)/7), true
	}
	return "", false
}

// parseLayouts are the fields that to_datetime reads.
var parseLayouts = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'B': "January", 'b': "Jan", 'A': "Monday", 'a': "Mon",
	'p': "PM", 'I': "03", 'j': "002", 'z': "-0700", 'Z': "MST",
}

// toDatetime reads a time as its format says.
func toDatetime(_ *evaluation, in any, a arguments) (any, error) {
	format := a.text(0, "%Y-%m-%d %H:%M:%S")
	var layout strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			layout.WriteByte(format[i])
			continue
		}
		i++
		switch part, ok := parseLayouts[format[i]]; {
		case ok:
			layout.WriteString(part)
		case format[i] == '%':
			layout.WriteByte('%')
		case format[i] == 'f':
			// Go takes a fraction after seconds without being told to.
			s := strings.TrimRight(layout.String(), ".,")
			layout.Reset()
			layout.WriteString(s)
		default:
			return nil, fmt.Errorf("times can't be read by %%%c here", format[i])
		}
	}
	t, err := time.Parse(layout.String(), pythonText(in))
	if err != nil {
		return nil, fmt.Errorf("%q is not a time as %q says", pythonText(in), format)
	}
	return moment{t}, nil
}
