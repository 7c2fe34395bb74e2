package action

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"thordeploy/transport/shell"
)

const (
	maxFact  = 256 << 10 // bytes that one local fact may have
	maxFacts = 200       // as many does setup.sh name
)

// localFacts are the host's own facts (ansible_local): what its files
// DIR/NAME.fact hold or, where they can be executed, print. As with Ansible, a
// fact that can't be had has the reason as its value.
func localFacts(ctx context.Context, c *Call, said map[string]string) (map[string]any, error) {
	local := map[string]any{}
	for i := range maxFacts {
		file, ok := said[fmt.Sprintf("fact_%d", i)]
		if !ok {
			break
		}
		how, name, _ := strings.Cut(file, " ")
		v, err := localFact(ctx, c, name, how == "x")
		if err != nil {
			return nil, err
		}
		local[text8(strings.ReplaceAll(path.Base(name), ".fact", ""))] = v
	}
	if isYes(said["facts_more"]) {
		return nil, &typeError{text: fmt.Sprintf("the host has more than %d local facts", maxFacts), hint: "remove some, or name another folder with fact_path"}
	}
	return local, nil
}

// localFact is one local fact. An error is the host's or the task's end.
func localFact(ctx context.Context, c *Call, name string, program bool) (any, error) {
	limit := time.Duration(c.Args.Int("gather_timeout")) * time.Second
	run := ctx
	if limit > 0 {
		var stop context.CancelFunc
		run, stop = context.WithTimeout(ctx, limit)
		defer stop()
	}
	words := []string{"cat", "--", name}
	if program {
		words = []string{name}
	}
	out, errs := &cut{max: maxFact}, &cut{max: 4 << 10}
	rc, err := c.Shell.Command(run, shell.Command{Argv: words}, out, errs)
	shown := text8(name)
	var why *shell.NotRunError
	switch {
	case err != nil && ctx.Err() == nil && errors.Is(run.Err(), context.DeadlineExceeded):
		return fmt.Sprintf("Could not execute fact script (%s): it took more than %v", shown, limit), nil
	case errors.As(err, &why):
		return fmt.Sprintf("Could not execute fact script (%s): %v", shown, err), nil
	case err != nil:
		return nil, err
	case rc != 0 && program:
		return fmt.Sprintf("Failure executing fact script (%s), rc: %d, err: %s", shown, rc, text8(errs.String())), nil
	case out.over:
		return fmt.Sprintf("error loading fact - %s has more than %s", shown, bytesText(maxFact)), nil
	}
	return parseFact(out.String(), shown), nil
}

// cut keeps the first max bytes that are written to it.
type cut struct {
	bytes.Buffer
	max  int
	over bool
}

func (c *cut) Write(p []byte) (int, error) {
	if room := c.max - c.Len(); len(p) > room {
		c.over = true
		_, _ = c.Buffer.Write(p[:room])
		return len(p), nil
	}
	return c.Buffer.Write(p)
}

// parseFact reads JSON or, where it isn't that, INI.
func parseFact(text, name string) any {
	text = text8(text)
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return numbers(v)
		}
	}
	sections, ok := parseINI(text)
	if !ok {
		return "error loading facts as JSON or ini - please check content: " + name
	}
	return sections
}

// numbers makes the whole numbers of a JSON text int, and the others float64.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

// parseINI reads sections of options as Python's configparser does: options
// have lower-case names, a line that is indented more goes on with the one
// before, and those of DEFAULT are in every section. ok is false where it
// isn't that, or says something twice.
func parseINI(text string) (sections map[string]any, ok bool) {
	sections = map[string]any{}
	defaults := map[string]any{}
	var in map[string]any // the section
	last := ""            // its option
	for line := range strings.Lines(text) {
		word := strings.TrimSpace(line)
		switch at := strings.IndexAny(word, "=:"); {
		case word == "" || word[0] == '#' || word[0] == ';':
		case last != "" && strings.TrimLeft(line, " \t") != line:
			before, _ := in[last].(string)
			in[last] = strings.TrimSpace(before + "\n" + word)
		case word[0] == '[' && strings.HasSuffix(word, "]"):
			name := word[1 : len(word)-1]
			if _, twice := sections[name]; twice || name == "" {
				return nil, false
			}
			if in, last = map[string]any{}, ""; name == "DEFAULT" {
				in = defaults
			} else {
				sections[name] = in
			}
		case at <= 0 || in == nil:
			return nil, false
		default:
			last = strings.ToLower(strings.TrimSpace(word[:at]))
			if _, twice := in[last]; twice {
				return nil, false
			}
			in[last] = strings.ReplaceAll(strings.TrimSpace(word[at+1:]), "%%", "%")
		}
	}
	for _, s := range sections {
		for k, v := range defaults {
			if s := s.(map[string]any); s[k] == nil {
				s[k] = v
			}
		}
	}
	return sections, true
}
