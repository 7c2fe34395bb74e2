package playbook

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
)

// plays reads the list of plays.
func (ld *loader) plays(root *yaml.Node) []*Play {
	var out []*Play
	leave, ok := ld.enter(root)
	defer leave()
	if !ok {
		return nil
	}
	for _, n := range root.Content {
		if n = ld.resolve(n); n == nil {
			continue
		}
		if n.Kind != yaml.MappingNode {
			ld.errorf(n, ld.playHint(n), "a play must be a mapping with `hosts` and `tasks`, not %s", nodeKind(n))
			continue
		}
		if p := ld.play(n); p != nil {
			out = append(out, p)
		}
	}
	return out
}

func (ld *loader) playHint(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && noSpace.MatchString(n.Value) {
		return "a space is missing after the colon"
	}
	return "a play begins with `- hosts: …`"
}

// play reads one play.
func (ld *loader) play(n *yaml.Node) *Play {
	leave, ok := ld.enter(n)
	defer leave()
	if !ok {
		return nil
	}
	ld.order = 0
	p := &Play{Range: ld.src.rangeOf(n)}
	name := ""
	imported := false
	for _, f := range ld.pairs(n) {
		switch strings.TrimPrefix(f.name, "ansible.builtin.") {
		case "name":
			if v := ld.text(f); v != nil {
				name = v.text
			}
		case "import_playbook":
			imported = true
			ld.unknownKeyword(pair{"import_playbook", f.key, f.value}, "play", playKeywords, playLater)
		default:
			ld.playField(p, f)
		}
	}
	if p.Hosts == nil && !imported && !hasKey(n, "hosts") {
		ld.errorf(n, "say which hosts: `hosts: all`", "the play has no `hosts`")
	}
	p.Name = name
	if name == "" && p.Hosts != nil {
		p.Name = p.Hosts.text
	}
	return p
}

func hasKey(n *yaml.Node, name string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

func (ld *loader) playField(p *Play, f pair) {
	switch f.name {
	case "hosts":
		p.Hosts = ld.hosts(f)
	case "gather_facts":
		p.GatherFacts = ld.constBool(f)
	case "vars":
		p.Vars = ld.vars(f)
	case "strategy":
		p.Strategy = ld.strategy(f)
	case "environment":
		p.Environment = ld.environment(f)
	case "ignore_errors":
		p.IgnoreErrors = ld.boolean(f)
	case "remote_user":
		p.RemoteUser = ld.text(f)
	case "connection":
		p.Connection = ld.connection(f)
	case "tasks":
		p.Tasks = ld.tasks(f)
	case ignoreWarnings:
		ld.warnIgnored(f)
	default:
		if !ld.becomeField(&p.Become, f) {
			ld.unknownKeyword(f, "play", playKeywords, playLater)
		}
	}
}

// becomeField reads the privilege keywords, which plays, blocks and tasks
// share.
func (ld *loader) becomeField(b *Become, f pair) bool {
	switch f.name {
	case "become":
		b.Enabled = ld.boolean(f)
	case "become_user":
		b.User = ld.text(f)
	case "become_method":
		b.Method = ld.text(f)
	default:
		return false
	}
	return true
}

// hosts reads the host pattern; a list is joined with commas.
func (ld *loader) hosts(f pair) *Value {
	if f.value.Kind != yaml.SequenceNode {
		v := ld.text(f)
		if v == nil || strings.TrimSpace(v.text) == "" {
			if f.value.Kind == yaml.ScalarNode {
				ld.errorf(f.key, "say which hosts: `hosts: all`", "`hosts` is empty")
			}
			return nil
		}
		return v
	}
	var parts []string
	for _, n := range f.value.Content {
		if n = ld.resolve(n); n == nil {
			continue
		}
		v := ld.text(pair{f.name, f.key, n})
		if v == nil {
			continue
		}
		if v.tmpl != nil {
			ld.errorf(n, "write one string with commas: `hosts: \"{{ a }},{{ b }}\"`", "a list of `hosts` can't hold templates")
			continue
		}
		parts = append(parts, v.text)
	}
	if len(parts) == 0 {
		ld.errorf(f.key, "say which hosts: `hosts: all`", "`hosts` is empty")
		return nil
	}
	joined := strings.Join(parts, ",")
	return &Value{rng: ld.src.rangeOf(f.value), text: joined, constant: joined}
}

// constBool reads a boolean that can't be a template.
func (ld *loader) constBool(f pair) *bool {
	e := ld.boolean(f)
	if e == nil {
		return nil
	}
	if e.tmpl != nil {
		ld.errorf(f.value, "yes or no", "`%s` can't hold a template", f.name)
		return nil
	}
	b := truth(e.constant)
	return &b
}

// connections are what `connection` may say; the runner takes all but local for
// ssh.
var connections = []string{"ssh", "local", "smart", "paramiko", "paramiko_ssh"}

// connection reads how hosts are reached.
func (ld *loader) connection(f pair) *Value {
	v := ld.text(f)
	c, ok := v.Const()
	if v == nil || !ok {
		return v
	}
	name := strings.TrimPrefix(toText(c), "ansible.builtin.")
	if !slices.Contains(connections, name) {
		hint := diag.DidYouMean(name, connections)
		if hint == "" {
			hint = "ssh or local"
		}
		ld.errorf(f.value, hint, "connection `%s` isn't done here", name)
		return nil
	}
	return v
}

func (ld *loader) strategy(f pair) Strategy {
	s, ok := ld.constText(f)
	if !ok {
		return ""
	}
	switch st := Strategy(strings.TrimPrefix(s, "ansible.builtin.")); st {
	case Linear, Free, HostPinned:
		return st
	case "debug":
		ld.errorf(f.value, "", "strategy `debug` is not supported yet")
	default:
		names := []string{string(Linear), string(Free), string(HostPinned)}
		hint := diag.DidYouMean(string(st), names)
		if hint == "" {
			hint = "one of " + strings.Join(names, ", ")
		}
		ld.errorf(f.value, hint, "unknown strategy `%s`", s)
	}
	return ""
}
