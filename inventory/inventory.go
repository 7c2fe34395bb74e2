// Package inventory reads hosts files (YAML, INI, plain lists, the `---` list,
// comma lists, executables, folders of these) into an [Inventory]: hosts in a
// stable order, groups, variables, and host patterns to choose among them.
//
// Data flows one way. A source (source.go) is recognised as one of the forms
// and handed to that form's reader; readers tell a draft (draft.go) what they
// find, with places, and go on after a problem; when all sources are read the
// draft is resolved (resolve.go) into hosts, whose variables are merged with
// those of group_vars/ and host_vars/ (varsfiles.go, merge.go). What a
// variable means for reaching a host is in connection.go, choosing hosts in
// pattern.go.
//
// An Inventory doesn't change after load and does no I/O afterwards.
package inventory

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"thordeploy/internal/diag"
	"thordeploy/playbook/vault"
)

// Host is one host: a name as the inventory writes it and its own variables
// merged over those of its groups. It doesn't change after load.
type Host struct {
	Name   string
	Port   int            // from `host:2222`, 0 where none was written; ansible_port in Vars wins
	Vars   map[string]any // merged: all, groups (depth, ansible_group_priority, name), host
	Groups []string       // names of the groups it is in, sorted, without "all" (group_names)
	File   string         // absolute path of the file that mentions it first; empty for a comma list

	own func() map[string]any // its variables without those of its groups
}

// Group is a named set of hosts and of groups.
type Group struct {
	Name     string
	Hosts    []string // direct members, in the order written
	Children []string
	Vars     map[string]any // its own: those of groups above it aren't in it
	Priority int            // ansible_group_priority, 1 unless set
}

// Inventory is every host and group of the given sources.
type Inventory struct {
	hosts   []*Host
	byName  map[string]*Host
	named   map[string]*Group
	groups  []*Group           // by name
	order   []string           // group names in the order of their first mention
	members map[string][]*Host // of each group and all groups below it
	allVars map[string]any     // of group "all", for the implicit localhost
	draft   *draft             // what Beside merges anew
}

// Loader reads inventories. Its zero value is ready to use.
type Loader struct {
	// Vault opens `!vault` values and encrypted files; nil: they are errors.
	Vault *vault.Keyring
	// Sealed leaves `!vault` and `!unsafe` values as they are, in the JSON form
	// that ansible-inventory shows: {"__ansible_vault": text}.
	Sealed bool
	// ScriptTime is how long an inventory script may take to answer; zero: two
	// minutes.
	ScriptTime time.Duration
}

// Load reads sources with the zero [Loader].
func Load(sources []string) (*Inventory, *diag.List) {
	return new(Loader).Load(context.Background(), sources)
}

// Load reads sources in order, as `-i` gives them: a file of any form, an
// executable, a folder of these, a comma list ("web1,web2," or "web1,"), merged
// in order, with the variables in group_vars/ and host_vars/ beside them. The
// list holds errors and warnings; the Inventory is usable only when list.Err()
// is nil.
func (l *Loader) Load(ctx context.Context, sources []string) (*Inventory, *diag.List) {
	d := newDraft(ctx, l)
	if len(sources) == 0 {
		d.add(diag.Diagnostic{
			Summary: "no inventory is given",
			Hint:    "name a hosts file with -i hosts.yml, or hosts with -i web1,web2,",
		})
		return &Inventory{}, d.diags
	}
	for _, name := range sources {
		readSource(d, name)
	}
	return d.resolve(sources), d.diags
}

// Beside gives the inventory as the plays of a playbook in dir see it: with
// the variables in dir/group_vars/ and dir/host_vars/, which win over those
// beside the inventory. Where there are none it is the same Inventory. The
// list holds errors and warnings, as that of Load.
func (i *Inventory) Beside(dir string) (*Inventory, *diag.List) {
	d := *i.draft
	d.diags = &diag.List{}
	dir = filepath.Clean(dir)
	if slices.ContainsFunc(d.varsDirs, func(known string) bool { return sameFolder(known, dir) }) {
		return i, d.diags // read already, and the same again changes nothing
	}
	play := d.readVarsFolders(dir)
	if d.failed || len(play.groups) == 0 && len(play.hosts) == 0 {
		return i, d.diags
	}
	return d.merged(&play), d.diags
}

// Hosts lists every host in the order of its first mention.
func (i *Inventory) Hosts() []*Host { return i.hosts }

// Host finds a host by its exact name.
func (i *Inventory) Host(name string) (*Host, bool) {
	h, ok := i.byName[name]
	return h, ok
}

// Groups lists every group, "all" and "ungrouped" among them, by name.
func (i *Inventory) Groups() []*Group { return i.groups }

func (i *Inventory) groupNamed(name string) *Group { return i.named[name] }

// Members lists the hosts of a group and of all groups below it, in the order
// that group[0] counts: its own hosts first, then those of its children.
// For "all" that is the order of Hosts. An unknown group has no members.
func (i *Inventory) Members(group string) []*Host { return i.members[group] }
