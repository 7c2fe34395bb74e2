package playbook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thordeploy/action"
)

// fileCases are templates with what ansible-core 2.14 made of them
// (Templar.do_template, as the template module calls it).
type fileCases struct {
	Cases []struct {
		Name, Text, Want string
		Opts             map[string]any
	}
	Files map[string]string
	Vars  map[string]any
}

// files is a Scope and what templates are loaded from.
type files struct {
	vars  map[string]any
	texts map[string]string
}

func (f files) Lookup(name string) (any, bool) { v, ok := f.vars[name]; return v, ok }
func (f files) Names() []string                { return keysOf(f.vars) }

func (f files) load(name string) (text, file string, err error) {
	text, ok := f.texts[name]
	if !ok {
		return "", "", fmt.Errorf("%s is not there: %w", name, fs.ErrNotExist)
	}
	return text, "templates/" + name, nil
}

func TestTemplateFilesAsAnsibleHasThem(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/template_files.json")
	if err != nil {
		t.Fatal(err)
	}
	var all fileCases
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // YAML's whole numbers are no floats
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	for k, v := range all.Vars["d"].(map[string]any) {
		n, err := v.(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		all.Vars["d"].(map[string]any)[k] = int(n)
	}
	from := files{all.Vars, all.Files}
	for _, c := range all.Cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			o := action.TemplateOptions{TrimBlocks: true, Load: from.load}
			set := func(key string, to *string) {
				if s, ok := c.Opts[key].(string); ok {
					*to = s
				}
			}
			set("variable_start_string", &o.VariableStart)
			set("variable_end_string", &o.VariableEnd)
			set("block_start_string", &o.BlockStart)
			set("block_end_string", &o.BlockEnd)
			set("comment_start_string", &o.CommentStart)
			set("comment_end_string", &o.CommentEnd)
			set("newline_sequence", &o.NewlineSequence)
			if b, ok := c.Opts["trim_blocks"].(bool); ok {
				o.TrimBlocks = b
			}
			o.LstripBlocks, _ = c.Opts["lstrip_blocks"].(bool)
			got, err := new(Templates).Render(c.Text, "templates/x.j2", o, from)
			if err != nil {
				t.Fatalf("%q: %v", c.Text, err)
			}
			if diff := cmp.Diff(c.Want, got); diff != "" {
				t.Errorf("%q (-Ansible +here):\n%s", c.Text, diff)
			}
		})
	}
}

func TestTemplateFileFaults(t *testing.T) {
	t.Parallel()
	from := files{map[string]any{"name": "host", "list": []any{1, 2}}, map[string]string{
		"bad.j2": "x\n{{ nome }}\n", "broken.j2": "{% if %}", "self.j2": "{% include 'self.j2' %}", "mac.j2": "{% macro hello(a) %}{{ name }}{% endmacro %}",
	}}
	for text, want := range map[string]string{
		"a\n\n  {{ nome }}\n":                                      "x.j2:3:6 variable `nome` is undefined; did you mean `name`?",
		"#jinja2: trim_blocks: False\n{{ nome":                     "x.j2:2:1 {{ is not closed",
		"#jinja2: trim: 1\n":                                       "x.j2:1 trim is no option of a template",
		"{% include 'none.j2' %}":                                  "x.j2:1:12 none.j2 is not there",
		"a\n{% include 'bad.j2' %}":                                "templates/bad.j2:2:4 variable `nome` is undefined",
		"{% include 'broken.j2' %}":                                "templates/broken.j2:1:",
		"{% include 'self.j2' %}":                                  "templates/self.j2:1:12 template templates/self.j2 includes itself",
		"{% include 5 %}":                                          "x.j2:1:12 a template's name is text",
		"{% import 'mac.j2' as m %}{{ m.hallo() }}":                "has no macro `hallo`; did you mean `hello`?",
		"{% import 'mac.j2' as m %}{{ m.hello(1) }}":               "templates/mac.j2:1:24 variable `name` is undefined",
		"{% from 'mac.j2' import hallo %}{{ hallo() }}":            "has no `hallo` to import; did you mean `hello`?",
		"{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}":           "parameter `a` of macro `m` is not given",
		"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}":              "macro `m` takes at most 1 arguments, not 2",
		"{% macro m(a) %}{% endmacro %}{{ m(b=2) }}":               "macro `m` has no parameter `b`",
		"{% macro m(a) %}{% endmacro %}{{ m(1, a=2) }}":            "macro `m` is given `a` twice",
		"{% macro m(a=1, b) %}{% endmacro %}":                      "parameter `b` needs a default",
		"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}":          "more than 200 deep",
		"{% macro m() %}{% endmacro %}{% call m() %}{% endcall %}": "doesn't use a caller",
		"{% call name %}{% endcall %}":                             "`call` needs a call",
		"{% macro m() %}{% endmacro %}{{ name() }}":                "a string can't be called",
		"{{ nome() }}":                                             "unknown function `nome`",
		"{% set name.x = 1 %}":                                     "only a namespace() has attributes",
		"{% set a, b = list + [3] %}":                              "can't unpack a list into 2 names",
		"{% macro m() %}":                                          "endmacro is missing",
		"{% extends 'a' %}":                                        "statement `extends` is not supported",
		"{% endmacro %}":                                           "`endmacro` without its beginning",
		"{% wth a=1 %}":                                            "unknown statement `wth` in a template; did you mean `with`?",
	} {
		_, err := new(Templates).Render(text, "x.j2", action.TemplateOptions{TrimBlocks: true, Load: from.load}, from)
		var bad *EvalError
		if !errors.As(err, &bad) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		said := bad.Diagnostic.Range.String() + " " + bad.Diagnostic.Summary
		if bad.Diagnostic.Hint != "" {
			said += "; " + bad.Diagnostic.Hint
		}
		if !strings.Contains(said, want) {
			t.Errorf("%q:\n got %s\nwant %s", text, said, want)
		}
	}
}

// FuzzRender: no template file panics or runs away.
func FuzzRender(f *testing.F) {
	data, err := os.ReadFile("testdata/template_files.json")
	if err != nil {
		f.Fatal(err)
	}
	var all fileCases
	if err := json.Unmarshal(data, &all); err != nil {
		f.Fatal(err)
	}
	for _, c := range all.Cases {
		f.Add(c.Text)
	}
	from := files{all.Vars, all.Files}
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = new(Templates).Render(text, "x.j2", action.TemplateOptions{TrimBlocks: true, LstripBlocks: true, Load: from.load}, from)
	})
}
