package playbook

import (
	"slices"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

var (
	promptKeywords = []string{"name", "prompt", "default", "private", "confirm", "unsafe"}
	promptLater    = []string{"encrypt", "salt", "salt_size"}
)

// prompts reads what the person who starts the play is asked for.
func (ld *loader) prompts(f pair) []Prompt {
	nodes := []*yaml.Node{f.value}
	if f.value.Kind == yaml.SequenceNode {
		nodes = f.value.Content
	}
	var out []Prompt
	for _, n := range nodes {
		n = ld.resolve(n)
		switch {
		case n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		case n.Kind != yaml.MappingNode:
			ld.errorf(n, "`- {name: version, prompt: Which version?}`", "`%s` must be a list of mappings with `name`, not %s", f.name, nodeKind(n))
		default:
			if p, ok := ld.prompt(n); ok {
				out = append(out, p)
			}
		}
	}
	return out
}

func (ld *loader) prompt(n *yaml.Node) (Prompt, bool) {
	leave, ok := ld.enter(n)
	defer leave()
	if !ok {
		return Prompt{}, false
	}
	p := Prompt{Private: true, Range: ld.src.rangeOf(n)}
	for _, f := range ld.pairs(n) {
		switch f.name {
		case "name":
			p.Name = ld.variableName(f)
		case "prompt":
			p.Text = ld.text(f)
		case "default":
			p.Default = ld.value(f.value)
		case "private":
			p.Private = ld.flag(f, true)
		case "confirm":
			p.Confirm = ld.flag(f, false)
		case "unsafe":
			ld.flag(f, false) // what is typed is never taken for a template
		default:
			ld.promptField(f)
		}
	}
	if p.Name == "" && !hasKey(n, "name") {
		ld.errorf(n, "", "the entry of `vars_prompt` has no `name`")
	}
	return p, p.Name != ""
}

func (ld *loader) promptField(f pair) {
	if slices.Contains(promptLater, f.name) {
		ld.errorf(f.key, "", "`%s` of vars_prompt is not supported yet", f.name)
		return
	}
	ld.errorf(f.key, diag.DidYouMean(f.name, promptKeywords), "unknown key `%s` of an entry of vars_prompt", f.name)
}

// flag reads a boolean that is needed at load.
func (ld *loader) flag(f pair, otherwise bool) bool {
	if b := ld.constBool(f); b != nil {
		return *b
	}
	return otherwise
}
