package playbook

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"thordeploy/action"
	"thordeploy/internal/diag"
)

var noRange diag.Range

// folders are where a relative path is looked for, the nearest first: in the
// subfolder (files, templates) and beside it, for the role, the file that the
// task stands in and the playbook.
func (l *looking) folders(sub string) ([]string, error) {
	var bases []any
	for _, name := range []string{"ansible_search_path", "playbook_dir"} {
		v, err := l.ev.variable(name, at{})
		if err != nil {
			return nil, err
		}
		if v, _ = l.ev.force(v, at{}); !isUndefined(v) {
			if list, ok := v.([]any); ok {
				bases = append(bases, list...)
			} else {
				bases = append(bases, v)
			}
		}
	}
	var out []string
	for _, b := range bases {
		for _, dir := range []string{path.Join(toText(b), sub), toText(b)} {
			if !contained(out, dir) {
				out = append(out, dir)
			}
		}
	}
	return out, nil
}

// find gives the path of a file that is there.
func (l *looking) find(sub, term string) (string, error) {
	c, err := l.ev.reach()
	if err != nil {
		return "", err
	}
	places, err := l.places(sub, term)
	if err != nil {
		return "", err
	}
	for _, p := range places {
		if _, err := c.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("there is no file `%s`; it was looked for as %s", term, strings.Join(places, ", "))
}

// places are the paths that term may mean.
func (l *looking) places(sub, term string) ([]string, error) {
	term = expandHome(l.ev.controller(), term)
	if path.IsAbs(term) {
		return []string{path.Clean(term)}, nil
	}
	dirs, err := l.folders(sub)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(dirs))
	for i, d := range dirs {
		out[i] = path.Join(d, term)
	}
	return out, nil
}

// read gives a file's text.
func (l *looking) read(file string) (string, error) {
	c, err := l.ev.reach()
	if err != nil {
		return "", err
	}
	data, err := c.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s can't be read: %w", file, reasonOf(err))
	}
	return string(data), l.ev.spend(len(data))
}

// reasonOf is a file's error without operation and path.
func reasonOf(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// eachText runs f on each term's text.
func eachText(terms []any, f func(term string) (any, error)) ([]any, error) {
	out := make([]any, 0, len(terms))
	for _, t := range terms {
		v, err := f(toText(t))
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func lookEnv(l *looking, terms []any) ([]any, error) {
	c, err := l.ev.reach()
	if err != nil {
		return nil, err
	}
	return eachText(terms, func(term string) (any, error) {
		name, _, _ := strings.Cut(strings.TrimSpace(term), " ")
		if v, ok := c.Env(name); ok {
			return v, nil
		}
		if def, ok := l.options["default"]; ok {
			return def, nil
		}
		return "", nil
	})
}

func lookFile(l *looking, terms []any) ([]any, error) {
	return eachText(terms, func(term string) (any, error) {
		file, err := l.find("files", term)
		if err != nil {
			return nil, err
		}
		text, err := l.read(file)
		if l.flag("lstrip", false) {
			text = strings.TrimLeft(text, asciiSpace)
		}
		if l.flag("rstrip", true) {
			text = strings.TrimRight(text, asciiSpace)
		}
		return text, err
	})
}

const asciiSpace = " \t\n\r\v\f"

func lookUnvault(l *looking, terms []any) ([]any, error) {
	return eachText(terms, func(term string) (any, error) {
		file, err := l.find("files", term)
		if err != nil {
			return nil, err
		}
		return l.read(file)
	})
}

// lookFileglob lists files alone, of the first folder that has any.
func lookFileglob(l *looking, terms []any) ([]any, error) {
	c, err := l.ev.reach()
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, t := range terms {
		patterns, err := l.places("files", toText(t))
		if err != nil {
			return nil, err
		}
		for _, p := range patterns {
			files, err := c.Glob(p)
			if err != nil {
				return nil, fmt.Errorf("`%s` is no glob: %w", toText(t), err)
			}
			n := len(out)
			for _, f := range files {
				if info, err := c.Stat(f); err == nil && info.Mode().IsRegular() {
					out = append(out, f)
				}
			}
			if len(out) > n {
				break
			}
		}
	}
	return out, l.ev.work(len(out))
}

// lookFirstFound gives the first file that is there. Terms are names, or
// mappings with files and paths.
func lookFirstFound(l *looking, terms []any) ([]any, error) {
	skip := l.flag("skip", false)
	var names []string
	add := func(files, paths any) {
		for _, f := range words(files) {
			if dirs := words(paths); len(dirs) > 0 {
				for _, d := range dirs {
					names = append(names, path.Join(d, f))
				}
			} else {
				names = append(names, f)
			}
		}
	}
	if len(terms) == 0 {
		add(l.options["files"], l.options["paths"])
	}
	flat, err := flatten(l.ev, nil, terms, -1, false)
	if err != nil {
		return nil, err
	}
	for _, t := range flat {
		if m, ok := plain(t).(*dict); ok {
			skip = skip || truth(m.at("skip"))
			if _, only := m.get("files"); only {
				add(m.at("files"), m.at("paths"))
			} else {
				add(m.at("paths"), nil)
			}
			continue
		}
		add(t, l.options["paths"])
	}
	for _, sub := range []string{"files", "templates", "vars", "tasks"} {
		for _, n := range names {
			if file, err := l.find(sub, n); err == nil {
				return []any{file}, nil
			}
		}
	}
	if skip {
		return []any{}, nil
	}
	if _, err := l.ev.reach(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("none of these files is there: %s", strings.Join(names, ", "))
}

// words are a list's texts, or those of one text between commas, semicolons
// and, as in Ansible, colons.
func words(v any) []string {
	list, ok := plain(v).([]any)
	if !ok {
		if v == nil {
			return nil
		}
		return strings.FieldsFunc(toText(v), func(r rune) bool { return r == ',' || r == ';' || r == ':' })
	}
	var out []string
	for _, item := range list {
		out = append(out, toText(item))
	}
	return out
}

// command runs a command line of the controller in the playbook's folder.
func (l *looking) command(term string) (string, error) {
	c, err := l.ev.reach()
	if err != nil {
		return "", err
	}
	dir, err := l.ev.variable("playbook_dir", at{})
	if err != nil {
		return "", err
	}
	folder := ""
	if !isUndefined(dir) {
		folder = toText(dir)
	}
	out, err := c.Run(term, folder)
	if err != nil {
		return "", fmt.Errorf("the command %q: %w", term, err)
	}
	return string(out), l.ev.spend(len(out))
}

func lookPipe(l *looking, terms []any) ([]any, error) {
	return eachText(terms, func(term string) (any, error) {
		out, err := l.command(term)
		return strings.TrimRight(out, asciiSpace), err
	})
}

func lookLines(l *looking, terms []any) ([]any, error) {
	out := []any{}
	for _, t := range terms {
		text, err := l.command(toText(t))
		if err != nil {
			return nil, err
		}
		for _, line := range lines(text) {
			out = append(out, strings.TrimRight(line, asciiSpace))
		}
	}
	return out, l.ev.work(len(out))
}

var templateLookupOptions = []string{
	"convert_data", "variable_start_string", "variable_end_string", "comment_start_string", "comment_end_string", "template_vars", "jinja2_native", "trim_blocks", "lstrip_blocks",
}

// lookTemplate renders a template file with the variables that are seen here.
func lookTemplate(l *looking, terms []any) ([]any, error) {
	inner := lookedUp{l.ev.withLocals()}
	if depthOf(inner) > maxFiles {
		return nil, fmt.Errorf("more than %d templates look each other up", maxFiles)
	}
	return eachText(terms, func(term string) (any, error) {
		file, err := l.find("templates", term)
		if err != nil {
			return nil, err
		}
		text, err := l.read(file)
		if err != nil {
			return nil, err
		}
		own := map[string]any{}
		if m, ok := plain(l.options["template_vars"]).(*dict); ok {
			for _, k := range m.order() {
				own[k] = m.at(k)
			}
		}
		o := action.TemplateOptions{
			TrimBlocks: l.flag("trim_blocks", true), LstripBlocks: l.flag("lstrip_blocks", false),
			VariableStart: l.option("variable_start_string", ""), VariableEnd: l.option("variable_end_string", ""),
			CommentStart: l.option("comment_start_string", ""), CommentEnd: l.option("comment_end_string", ""),
			Vars: own, Load: l.load,
		}
		out, err := l.ev.cache().Render(text, file, o, inner)
		if err != nil {
			return nil, err
		}
		if l.flag("convert_data", true) {
			return literalValue(out), nil
		}
		return out, nil
	})
}

// load reads a template that one that is looked up includes.
func (l *looking) load(name string) (text, file string, err error) {
	if file, err = l.find("templates", name); err != nil {
		return "", "", fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	}
	text, err = l.read(file)
	return text, file, err
}

func (ev *evaluation) withLocals() Scope {
	if len(ev.locals) == 0 {
		return ev.scope
	}
	own := map[string]any{}
	for _, v := range ev.locals {
		own[v.name] = v.value
	}
	return layered{maps.Clone(own), ev.scope}
}

// lookedUp is the scope of a template that a lookup renders.
type lookedUp struct{ Scope }

// depthOf is how many templates that lookups render are around a scope.
func depthOf(sc Scope) int {
	for n := 0; ; {
		switch s := sc.(type) {
		case layered:
			sc = s.Scope
		case lookedUp:
			sc, n = s.Scope, n+1
		default:
			return n
		}
	}
}
