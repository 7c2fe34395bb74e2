package action

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
)

// replaceSpec is ansible.builtin.replace.
func replaceSpec() *Spec {
	return &Spec{
		Name: "replace",
		Params: append(editParams(),
			Param{Name: "regexp", Type: String, Required: true, Doc: "regular expression (RE2's), ^ and $ at each line"},
			Param{Name: "replace", Type: String, Default: "", Doc: `what to put in place of each match; \1 and \g<name> are what its groups matched`},
			Param{Name: "after", Type: String, Doc: "only what follows this regular expression's first match"},
			Param{Name: "before", Type: String, Doc: "only what comes before this regular expression's last match, or with after its first one from there"},
			Param{Name: "encoding", Type: String, Default: "utf-8", Choices: []string{"utf-8", "utf8"}, Doc: "utf-8 is the only one"},
		),
		Doc: "Replace what a regular expression matches in a file.",
		Run: runReplace,
	}
}

func runReplace(ctx context.Context, c *Call) Result {
	a := c.Args
	x, err := regexp.Compile("(?m)" + a.Str("regexp"))
	if err != nil {
		return failed(fmt.Sprintf("regexp: %q can't be used: %v", shorten(a.Str("regexp")), err), "regular expressions are RE2's: no look-around, no back-references")
	}
	window, err := replaceWindow(a)
	if err != nil {
		return failed(fmt.Sprintf("after, before: %v", err), "regular expressions are RE2's: no look-around, no back-references")
	}
	return editFile(ctx, c, "replace", func(content []byte) ([]byte, string, error) {
		from, to := 0, len(content)
		if window != nil {
			m := window.FindSubmatchIndex(content)
			if m == nil {
				return nil, fmt.Sprintf("Pattern for before/after params did not match the given file: %s", strings.TrimPrefix(window.String(), "(?s)")), nil
			}
			i := 2 * window.SubexpIndex("subsection")
			from, to = m[i], m[i+1]
		}
		made, n, err := replaceAll(x, content[from:to], a.Str("replace"))
		if err != nil || n == 0 {
			return nil, "", err
		}
		made = bytes.Join([][]byte{content[:from], made, content[to:]}, nil)
		if bytes.Equal(made, content) {
			return nil, "", nil
		}
		return made, fmt.Sprintf("%d replacements made", n), nil
	})
}

// replaceWindow is an expression whose group `subsection` is what after and
// before leave; nil: all.
func replaceWindow(a Args) (*regexp.Regexp, error) {
	after, before := a.Str("after"), a.Str("before")
	switch {
	case after != "" && before != "":
		return regexp.Compile("(?s)" + after + "(?P<subsection>.*?)" + before)
	case after != "":
		return regexp.Compile("(?s)" + after + "(?P<subsection>.*)")
	case before != "":
		return regexp.Compile("(?s)(?P<subsection>.*)" + before)
	}
	return nil, nil
}

// replaceAll replaces every match, as Python's re.subn does.
func replaceAll(x *regexp.Regexp, text []byte, with string) ([]byte, int, error) {
	var out []byte
	at, n := 0, 0
	for _, m := range x.FindAllSubmatchIndex(text, -1) {
		groups := make([]string, len(m)/2)
		for i := range groups {
			if m[2*i] >= 0 {
				groups[i] = string(text[m[2*i]:m[2*i+1]])
			}
		}
		made, err := expandGroups(with, groups, x.SubexpNames())
		if err != nil {
			return nil, 0, err
		}
		out = append(append(out, text[at:m[0]]...), made...)
		at = m[1]
		n++
	}
	return append(out, text[at:]...), n, nil
}
