package playbook

import (
	"errors"
	"fmt"
	"strings"

	"thordeploy/action"
	"thordeploy/internal/diag"
)

// Render renders the text of a template file (ansible.builtin.template) in a
// scope; file is its name in messages. As Ansible has it, a first line
// `#jinja2: key: value, …` wins over the options, and newlines at the text's
// end stay. The error is an *EvalError with the place in the file.
func (c *Templates) Render(text, file string, o action.TemplateOptions, sc Scope) (string, error) {
	text = unixLines(text)
	sx := fileSyntax(o)
	newline := o.NewlineSequence
	if newline == "" {
		newline = "\n"
	}
	first := 0
	if head, ok := strings.CutPrefix(text, "#jinja2:"); ok {
		line, rest, _ := strings.Cut(head, "\n")
		if err := sx.override(line, &newline); err != nil {
			return "", &EvalError{Diagnostic: diag.Diagnostic{
				Range: diag.Range{File: file, Line: 1}, Summary: err.Error(), Source: "#jinja2:" + line, Hint: "#jinja2: lstrip_blocks: True",
			}}
		}
		text, first = rest, 1
	}
	if text == "" {
		return "", nil
	}
	whole := diag.Range{File: file, Line: first + 1}
	body := strings.TrimSuffix(text, "\n")
	t := &template{syntax: sx, origin: origin{rng: whole, text: text, first: first}}
	var err error
	if body != "" {
		t, err = c.get(body, t.origin, sx, false)
	}
	var out strings.Builder
	if err == nil {
		ev := newEvaluation(layered{o.Vars, sc})
		ev.load, ev.templates = o.Load, c
		_, err = ev.inFile(t, true, &out)
	}
	if err != nil {
		return "", evalError(err, whole)
	}
	made := out.String()
	ends := func(s string) int { return len(s) - len(strings.TrimRight(s, "\n")) }
	if missing := ends(text) - ends(made); missing > 0 {
		made += strings.Repeat("\n", missing)
	}
	if newline != "\n" {
		made = strings.ReplaceAll(made, "\n", newline)
	}
	return made, nil
}

// fileSyntax is the syntax that the module's parameters ask for.
func fileSyntax(o action.TemplateOptions) syntax {
	sx := plainSyntax
	sx.trim, sx.lstrip = o.TrimBlocks, o.LstripBlocks
	for _, d := range []struct {
		to   *string
		text string
	}{
		{&sx.variable[0], o.VariableStart},
		{&sx.variable[1], o.VariableEnd},
		{&sx.block[0], o.BlockStart},
		{&sx.block[1], o.BlockEnd},
		{&sx.comment[0], o.CommentStart},
		{&sx.comment[1], o.CommentEnd},
	} {
		if d.text != "" {
			*d.to = d.text
		}
	}
	return sx
}

// override reads the rest of a line `#jinja2: key: value, key: value`, whose
// values are Python's.
func (sx *syntax) override(line string, newline *string) error {
	for _, pair := range strings.Split(line, ",") {
		key, value, ok := strings.Cut(pair, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || value == "" {
			return fmt.Errorf("%q is not `key: value`", strings.TrimSpace(pair))
		}
		if q := value[0]; len(value) > 1 && (q == '"' || q == '\'') && value[len(value)-1] == q {
			value = unquote(value)
		}
		to, isText := map[string]*string{
			"block_start_string": &sx.block[0], "block_end_string": &sx.block[1],
			"variable_start_string": &sx.variable[0], "variable_end_string": &sx.variable[1],
			"comment_start_string": &sx.comment[0], "comment_end_string": &sx.comment[1],
			"newline_sequence": newline,
		}[key]
		flag, isFlag := map[string]*bool{"trim_blocks": &sx.trim, "lstrip_blocks": &sx.lstrip}[key]
		switch {
		case isText && value != "":
			*to = value
		case isFlag && (value == "True" || value == "False"):
			*flag = value == "True"
		case isFlag || isText:
			return fmt.Errorf("%s can't be %q", key, value)
		default:
			return fmt.Errorf("%s is no option of a template", key)
		}
	}
	return nil
}

// include compiles a template file that another one asked for.
func (c *Templates) include(text, file string, sx syntax) (*template, error) {
	text = strings.TrimSuffix(unixLines(text), "\n")
	o := origin{rng: diag.Range{File: file, Line: 1}, text: text}
	if text == "" {
		return &template{origin: o, syntax: sx}, nil
	}
	return c.get(text, o, sx, true)
}

// compileFileAt is compile for a template file, whose faults know their file.
func compileFileAt(text string, o origin, sx syntax) (*template, error) {
	t, err := compile(text, o, sx, false)
	var f *fault
	if errors.As(err, &f) && f.tmpl == nil {
		f.tmpl = &template{origin: o}
		return nil, f
	}
	return t, err
}

// layered is a scope with variables of a file's own over it.
type layered struct {
	own map[string]any
	Scope
}

// Lookup finds a variable of the file's own first.
func (l layered) Lookup(name string) (any, bool) {
	if v, ok := l.own[name]; ok {
		return v, true
	}
	return l.Scope.Lookup(name)
}
