package playbook

import (
	"fmt"
	"html"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

func pathJoinFilter(_ *evaluation, in any, _ arguments) (any, error) {
	list, err := elements(in)
	if s, ok := in.(string); ok {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	out := ""
	for _, v := range list {
		switch part := toText(v); {
		case strings.HasPrefix(part, "/") || out == "":
			out = part // as Python: an absolute part begins anew
		default:
			out = strings.TrimSuffix(out, "/") + "/" + part
		}
	}
	return out, nil
}

func commonPathFilter(_ *evaluation, in any, _ arguments) (any, error) {
	list, err := elements(in)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("at least one path is needed")
	}
	var common []string
	for i, v := range list {
		parts := strings.Split(path.Clean(toText(v)), "/")
		if i == 0 {
			common = parts
			continue
		}
		n := 0
		for n < len(common) && n < len(parts) && common[n] == parts[n] {
			n++
		}
		common = common[:n]
	}
	if len(common) == 1 && common[0] == "" {
		return "/", nil
	}
	return strings.Join(common, "/"), nil
}

func normPath(s string) string {
	if s == "" {
		return "."
	}
	return path.Clean(s)
}

func indentFilter(ev *evaluation, in any, a arguments) (any, error) {
	pad := "    "
	if v, ok := a.get(0); ok {
		if s, isText := v.(string); isText {
			pad = s
		} else {
			n, err := a.number(0, 4)
			if err != nil {
				return nil, err
			}
			if err := ev.spend(n); err != nil {
				return nil, err
			}
			pad = strings.Repeat(" ", max(0, n))
		}
	}
	list := lines(pythonText(in) + "\n")
	if err := ev.spend(len(list) * len(pad)); err != nil {
		return nil, err
	}
	blank := a.flag(2, false)
	for i, line := range list {
		if i == 0 && a.flag(1, false) || i > 0 && (line != "" || blank) {
			list[i] = pad + line
		}
	}
	return strings.Join(list, "\n"), nil
}

func centerFilter(ev *evaluation, in any, a arguments) (any, error) {
	s := pythonText(in)
	width, err := a.number(0, 80)
	if err != nil {
		return nil, err
	}
	space := width - utf8.RuneCountInString(s)
	if space <= 0 {
		return s, nil
	}
	if err := ev.spend(space); err != nil {
		return nil, err
	}
	left := space/2 + space&width&1 // as Python shares an odd blank
	return strings.Repeat(" ", left) + s + strings.Repeat(" ", space-left), nil
}

var wordRunes = regexp.MustCompile(`[\p{L}\p{N}_]+`)

func wordcountFilter(_ *evaluation, in any, _ arguments) (any, error) {
	return len(wordRunes.FindAllStringIndex(pythonText(in), -1)), nil
}

// wordwrapFilter breaks lines at blanks so that none is longer than width.
func wordwrapFilter(ev *evaluation, in any, a arguments) (any, error) {
	width, err := a.number(0, 79)
	if err != nil {
		return nil, err
	}
	if width < 1 {
		return nil, fmt.Errorf("a width of at least 1 is needed")
	}
	end := a.text(2, "\n")
	var out []string
	for _, line := range lines(pythonText(in)) {
		out = append(out, wrapLine(line, width, a.flag(1, true))...)
	}
	text := strings.Join(out, end)
	return text, ev.spend(len(text))
}

func wrapLine(line string, width int, breakLong bool) []string {
	var out []string
	current := ""
	for _, w := range strings.Fields(line) {
		if current != "" && utf8.RuneCountInString(current)+1+utf8.RuneCountInString(w) <= width {
			current += " " + w
			continue
		}
		if current != "" {
			out = append(out, current)
		}
		for r := []rune(w); breakLong && len(r) > width; r = []rune(w) {
			out = append(out, string(r[:width]))
			w = string(r[width:])
		}
		current = w
	}
	return append(out, current)
}

func truncateFilter(_ *evaluation, in any, a arguments) (any, error) {
	length, err := a.number(0, 255)
	if err != nil {
		return nil, err
	}
	leeway, err := a.number(3, 5)
	if err != nil {
		return nil, err
	}
	end := a.text(2, "...")
	r, tail := []rune(pythonText(in)), utf8.RuneCountInString(end)
	switch {
	case length < tail:
		return nil, fmt.Errorf("a length of at least %d is needed, not %d", tail, length)
	case len(r) <= length+leeway:
		return string(r), nil
	case a.flag(1, false):
		return string(r[:length-tail]) + end, nil
	}
	cut := string(r[:length-tail])
	if i := strings.LastIndex(cut, " "); i >= 0 {
		cut = cut[:i]
	}
	return cut + end, nil
}

// commentStyles are beginning, decoration and end.
var commentStyles = map[string][3]string{
	"plain": {"", "# ", ""}, "erlang": {"", "% ", ""}, "c": {"", "// ", ""},
	"cblock": {"/*", " * ", " */"}, "xml": {"<!--", " - ", "-->"},
}

// commentFilter makes a comment of a text, in the style of a language.
func commentFilter(ev *evaluation, in any, a arguments) (any, error) {
	style, ok := commentStyles[a.text(0, "plain")]
	if !ok {
		return nil, fmt.Errorf("the styles are %s, not `%s`", strings.Join(keysOf(commentStyles), ", "), a.text(0, ""))
	}
	decoration := a.text(1, style[1])
	frame := func(at int) ([]string, error) {
		n, err := a.number(at+1, 1)
		if err != nil || n < 0 || n > 1000 {
			return nil, fmt.Errorf("a count from 0 to 1000 is needed")
		}
		if text := a.text(at, strings.TrimRight(decoration, " ")); text != "" || n > 0 {
			return slices.Repeat([]string{text}, n), nil
		}
		return nil, nil
	}
	before, err := frame(2)
	if err != nil {
		return nil, err
	}
	after, err := frame(4)
	if err != nil {
		return nil, err
	}
	var out []string
	if style[0] != "" {
		out = append(out, style[0])
	}
	out = append(out, before...)
	for _, line := range strings.Split(pythonText(in), "\n") {
		line = decoration + line
		if line == decoration {
			line = strings.TrimRight(decoration, " ")
		}
		out = append(out, line)
	}
	out = append(out, after...)
	if style[2] != "" {
		out = append(out, style[2])
	}
	text := strings.Join(out, "\n")
	return text, ev.spend(len(text))
}

var (
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	htmlTag     = regexp.MustCompile(`(?s)<.*?>`)
	blanks      = regexp.MustCompile(`\s+`)
)

func stripTags(s string) string {
	s = htmlTag.ReplaceAllString(htmlComment.ReplaceAllString(s, ""), "")
	return html.UnescapeString(strings.TrimSpace(blanks.ReplaceAllString(s, " ")))
}

var htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")

func escapeHTML(s string) string { return htmlEscapes.Replace(s) }

// urlencodeFilter quotes a text (all but slashes), or makes a query of a
// mapping or a list of pairs.
func urlencodeFilter(ev *evaluation, in any, _ arguments) (any, error) {
	var pairs []any
	switch v := in.(type) {
	case *dict:
		list, err := itemsMethod(ev, v, arguments{})
		if err != nil {
			return nil, err
		}
		pairs, _ = list.([]any)
	case []any:
		pairs = v
	default:
		out := quoteURL(pythonText(in), "/")
		return out, ev.spend(len(out))
	}
	var out []string
	for _, p := range pairs {
		kv, err := elements(p)
		if err != nil || len(kv) != 2 {
			return nil, fmt.Errorf("a list of pairs is needed")
		}
		out = append(out, quoteURL(pythonText(kv[0]), "+")+"="+quoteURL(pythonText(kv[1]), "+"))
	}
	text := strings.Join(out, "&")
	return text, ev.spend(len(text))
}

// quoteURL is Python's quote ("/" stays) or quote_plus ("+").
func quoteURL(s, kind string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.-~", c) >= 0 || kind == "/" && c == '/':
			b.WriteByte(c)
		case kind == "+" && c == ' ':
			b.WriteByte('+')
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func urldecodeFilter(_ *evaluation, in any, _ arguments) (any, error) {
	out, err := url.QueryUnescape(pythonText(in))
	if err != nil {
		return nil, fmt.Errorf("this is no encoded text: %w", err)
	}
	return out, nil
}

// urlsplitFilter takes an address apart; with a name it gives that part.
func urlsplitFilter(_ *evaluation, in any, a arguments) (any, error) {
	u, err := url.Parse(pythonText(in))
	if err != nil {
		return nil, fmt.Errorf("this is no address: %w", err)
	}
	out := newDict(10)
	var user, password, host, port any
	if u.User != nil {
		user = u.User.Username()
		if p, ok := u.User.Password(); ok {
			password = p
		}
	}
	if h := u.Hostname(); h != "" {
		host = strings.ToLower(h)
	}
	if n, ok := wholeNumber(u.Port()); ok {
		port = n
	}
	netloc := u.Host
	if u.User != nil {
		netloc = u.User.String() + "@" + u.Host
	}
	for _, part := range []struct {
		name  string
		value any
	}{
		{"fragment", u.EscapedFragment()}, {"hostname", host}, {"netloc", netloc}, {"password", password}, {"path", firstOf(u.Opaque, u.EscapedPath())},
		{"port", port}, {"query", u.RawQuery}, {"scheme", u.Scheme}, {"username", user},
	} {
		out.set(part.name, part.value)
	}
	if name := a.text(0, ""); name != "" {
		v, ok := out.get(name)
		if !ok {
			return nil, fmt.Errorf("an address has no part `%s`: %s", name, strings.Join(out.order(), ", "))
		}
		return v, nil
	}
	return out, nil
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

func pprintFilter(ev *evaluation, in any, _ arguments) (any, error) {
	v, err := ev.finish(in)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	repr(&b, v)
	return b.String(), ev.spend(b.Len())
}

// fromYAMLAll reads every document of a text.
func fromYAMLAll(ev *evaluation, in any, _ arguments) (any, error) {
	text, ok := in.(string)
	if !ok {
		return in, nil
	}
	docs, err := decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("this is not YAML: %w", err)
	}
	out := []any{}
	for _, d := range docs {
		var v any
		if len(d.Content) > 0 {
			if v, err = yamlData(ev, d.Content[0], 0); err != nil {
				return nil, err
			}
		}
		out = append(out, v)
	}
	return out, nil
}
