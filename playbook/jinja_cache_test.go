package playbook

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"thordeploy/action"
	"thordeploy/internal/diag"
)

// TestTemplatesAreCompiledOnce: a file is compiled at its first rendering, and
// what came of it serves every host from then on, included files too.
func TestTemplatesAreCompiledOnce(t *testing.T) {
	t.Parallel()
	var c Templates
	from := func(n int) files {
		return files{map[string]any{"n": n}, map[string]string{"part.j2": "part {{ n }}"}}
	}
	render := func(text string, o action.TemplateOptions, n int) string {
		o.Load = from(n).load
		out, err := c.Render(text, "x.j2", o, from(n))
		if err != nil {
			t.Error(err)
		}
		return out
	}
	const text = "host {{ n }}, {% include 'part.j2' %}\n"
	var hosts sync.WaitGroup
	for n := range 50 {
		hosts.Go(func() {
			if got, want := render(text, action.TemplateOptions{}, n), fmt.Sprintf("host %d, part %d\n", n, n); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	hosts.Wait()
	if len(c.files) != 2 {
		t.Fatalf("%d templates are kept, want 2", len(c.files))
	}
	// What is kept is what renders: put other templates in their place.
	for key, kept := range c.files {
		other, err := compileFileAt("other "+key.body, kept.t.origin, key.syntax)
		if err != nil {
			t.Fatal(err)
		}
		kept.t = other
	}
	if got := render(text, action.TemplateOptions{}, 7); got != "other host 7, other part 7\n" {
		t.Errorf("compiled again: %q", got)
	}
	// Other options, and another text, are other templates.
	if got := render("<% if true %>\nyes<% endif %>", action.TemplateOptions{BlockStart: "<%", BlockEnd: "%>", TrimBlocks: true}, 1); got != "yes" {
		t.Errorf("got %q", got)
	}
	if got := render("<% if true %>\nyes<% endif %>", action.TemplateOptions{BlockStart: "<%", BlockEnd: "%>"}, 1); got != "\nyes" {
		t.Errorf("got %q", got)
	}
}

// keeping is a scope that keeps the templates of its lookups.
type keeping struct {
	reaching
	kept *Templates
}

func (k keeping) Templates() *Templates { return k.kept }

// TestLookedUpTemplatesAreKept: what lookup('template') renders is compiled
// once too, where its scope says where to keep it.
func TestLookedUpTemplatesAreKept(t *testing.T) {
	t.Parallel()
	var c Templates
	sc := keeping{reaching{vars{"n": 7, "ansible_search_path": []any{lookupTree(t) + "/play"}}, &machine{}}, &c}
	v, err := NewExpr("lookup('template', 'outer.j2')", diag.Range{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := v.Eval(sc); err != nil || got != "<7>" {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if len(c.files) != 2 {
		t.Errorf("%d templates are kept, want 2", len(c.files))
	}
}

func TestKeptTemplatesAreBounded(t *testing.T) {
	t.Parallel()
	var c Templates
	for n := range 40 {
		text := fmt.Sprintf("%d%s", n, strings.Repeat("x", 1<<19))
		if _, err := c.Render(text, "x.j2", action.TemplateOptions{}, files{}); err != nil {
			t.Fatal(err)
		}
		held := 0
		for key := range c.files {
			held += len(key.body)
		}
		if held != c.bytes || held > maxCached {
			t.Fatalf("%d bytes are kept, and %d are said to be", held, c.bytes)
		}
	}
}

// BenchmarkTemplateOfHosts renders one template for 1,000 hosts, as a run
// does, and with a fresh compilation for each.
func BenchmarkTemplateOfHosts(b *testing.B) {
	text := "# {{ ansible_managed }}\n" + strings.Repeat("{% if n > 3 %}\nlisten {{ name }}:{{ n }}\n{% endif %}\n", 20)
	sc := files{vars: map[string]any{"n": 5, "name": "web", "ansible_managed": "x"}}
	for name, shared := range map[string]bool{"shared": true, "each": false} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c := new(Templates)
				for range 1000 {
					if !shared {
						c = new(Templates)
					}
					if _, err := c.Render(text, "x.j2", action.TemplateOptions{TrimBlocks: true}, sc); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
