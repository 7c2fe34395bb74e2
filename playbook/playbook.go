// Package playbook reads YAML playbooks into plays and tasks, each field with
// its line and column, and compiles their templates and expressions.
//
// Data flows from text to typed values in three steps: YAML nodes, then plays
// and tasks checked against the keyword table and each module's action.Spec,
// then compiled [Value] and [Expr] fields that package runner evaluates for a
// host against a [Scope]. Problems are collected in a diag.List and come all
// at once. Nothing here reaches a host.
package playbook

import (
	"io/fs"
	"path/filepath"
	"sync"

	"gopkg.in/yaml.v3"

	"thordeploy/action"
	"thordeploy/internal/diag"
	"thordeploy/playbook/vault"
)

// Playbook is one playbook file with all that it imports. It doesn't change
// after load; what includes read while it runs is cached beside it.
type Playbook struct {
	File  string // as given by the user, or "builtin:thor.yml"
	Dir   string // absolute folder that relative paths start from
	Plays []*Play

	mu     sync.Mutex // guards what follows: includes are read by any host
	loader *loader
	vars   map[string]*varsOfFile
}

// Strategy says how hosts move through a play's tasks.
type Strategy string

// The strategies. HostPinned is the default: a host runs to its end and then
// frees its fork. Free is treated as HostPinned. Linear waits for all hosts
// after each task.
const (
	HostPinned Strategy = "host_pinned"
	Free       Strategy = "free"
	Linear     Strategy = "linear"
)

// Become is privilege escalation as written on a play, block or task. Nil
// fields are unset and inherit.
type Become struct {
	Enabled *Expr  // become
	User    *Value // become_user
	Method  *Value // become_method
	Flags   *Value // become_flags
	Exe     *Value // become_exe
}

// Keywords are those that plays, roles, blocks and tasks share. Nil fields are
// unset and inherit from what stands around; lists and mappings add to it,
// the inner one first.
type Keywords struct {
	RemoteUser        *Value
	Connection        *Value // ssh or local, as ansible_connection, which wins
	Port              *Value
	Become            Become
	Vars              []Var
	Environment       *Value
	NoLog             *Expr
	Check             *Expr // check_mode
	Diff              *Expr
	IgnoreErrors      *Expr
	IgnoreUnreachable *Expr
	AnyErrorsFatal    *Expr
	RunOnce           *Expr
	Throttle          *Value // most hosts at once in this task
	Timeout           *Value // seconds that a task may take
	Tags              []string
	ModuleDefaults    []ModuleDefaults // the later wins
}

// ModuleDefaults are parameters for every task of a module that doesn't give
// them itself.
type ModuleDefaults struct {
	Spec *action.Spec
	Args map[string]*Value // by the Spec's canonical parameter names
}

// Play maps hosts to tasks. A host goes through PreTasks, Roles, Tasks and
// PostTasks; notified handlers run after PreTasks, after Tasks and after
// PostTasks.
type Play struct {
	Keywords
	Name         string   // falls back to the hosts pattern
	Dir          string   // absolute folder of the file it stands in: playbook_dir, also where that is an imported one
	When         []*Expr  // of the import_playbook that brought it: its tasks have it already, gathering facts hangs on it too
	Hosts        *Value   // the host pattern; a list was joined with commas
	GatherFacts  *bool    // nil: unset; thordeploy gathers only when facts are used or true is written
	GatherSubset *Value   // list of text; nil: unset
	GatherTime   *Value   // gather_timeout in seconds; nil: unset
	FactPath     *Value   // fact_path; nil: unset
	Strategy     Strategy // empty: unset
	Serial       []*Value // sizes of the batches, each a number or a percentage, the last one for the rest; empty: all hosts in one
	MaxFail      *Value   // max_fail_percentage; nil: unset
	Order        HostOrder
	ForceHandler *Expr // force_handlers
	VarsFiles    []VarsFile
	Prompts      []Prompt // vars_prompt
	PreTasks     []*Task
	Roles        []*Task // one a role of `roles:`, its dependencies before it: blocks with Role set
	Tasks        []*Task
	PostTasks    []*Task
	// Handlers are blocks, one for each role of `roles:`, one for the play's
	// own, one for each role that is imported. The handlers are the tasks in
	// them. They run in this order; of those with one name the one in the later
	// block is meant, in a block the first.
	Handlers []*Task
	// RoleList is every role that stands in the play when it is loaded
	// (`roles:`, import_role and their dependencies), in the order they run,
	// each once: what they are given, their defaults and vars are seen by all
	// of the play's tasks.
	RoleList []*RoleCall
	Range    diag.Range
	orders   int         // the next task's Order
	imports  []*Task     // handlers of imported roles, while the play is read
	brought  []*included // what includes in it brought, in the order they were read
	numbered int         // of those, how many have their Order
}

// HostOrder is a play's `order`: in which order its hosts are taken.
type HostOrder string

// The orders. The zero value is OrderInventory.
const (
	OrderInventory        HostOrder = "inventory"
	OrderReverseInventory HostOrder = "reverse_inventory"
	OrderSorted           HostOrder = "sorted"
	OrderReverseSorted    HostOrder = "reverse_sorted"
	OrderShuffle          HostOrder = "shuffle"
)

// VarsFile is one entry of vars_files: the first of Paths that is there is
// read. A path without templates was read at load, and Vars are its variables;
// otherwise the runner evaluates Paths for each host and calls
// [Playbook.ReadVars].
type VarsFile struct {
	Paths []*Value
	Vars  []Var // where Paths are constant
	Fixed bool  // Vars are there
	Range diag.Range
}

// Prompt is one entry of vars_prompt.
type Prompt struct {
	Name    string
	Text    *Value // what to ask; nil: the name
	Default *Value
	Private bool // don't echo; as in Ansible the default is true
	Confirm bool // ask twice
	Range   diag.Range
}

// Var is one entry of a vars: mapping.
type Var struct {
	Name  string
	Value *Value
	Range diag.Range
}

// Role is a role as it was read, once for all that use it in a playbook.
type Role struct {
	Name     string // as the playbook calls it
	Dir      string // absolute
	Defaults []Var
	Vars     []Var
	// AllowDuplicates: it runs again where it is named again
	// (meta/main.yml's allow_duplicates). Otherwise a host runs calls with the
	// same Key once a play.
	AllowDuplicates bool

	meta  *document // its meta/main.yml; nil: none
	needs []need    // its dependencies
	specs bool      // its meta/main.yml has argument_specs
}

// RoleCall is a role where it is used.
type RoleCall struct {
	*Role
	Params []Var // what the use gives besides keywords: win over set_fact
	Given  []Var // the use's `vars`: below the role's own vars. The block with the role has them as its Vars too
	// Parents are the calls that need this one, where it is a dependency, the
	// nearest first: its tasks see their vars, defaults and parameters.
	Parents []*RoleCall
	Key     string // equal for uses that count as the same one
}

// Task is a task or a block: Block is non-nil for a block, Spec for a task.
type Task struct {
	Keywords
	Name   *Value // nil: unnamed. Title gives what to show
	Spec   *action.Spec
	Module string            // as the user wrote it ("execute", "ansible.builtin.copy")
	Args   map[string]*Value // by the Spec's canonical parameter names

	Block  []*Task
	Rescue []*Task
	Always []*Task
	// Role is set for a block that is a role's tasks, and says how it is
	// called there. The tasks inside look files up in its folder.
	Role *RoleCall
	// Include is set for include_tasks and include_role, whose tasks are read
	// when a host comes to them. Imports have been replaced by blocks.
	Include *Include

	When          []*Expr
	Loop          *Value // nil: no loop. With `with_`: its terms
	With          string // lookup that Loop's terms go through ("items", "dict", …); empty for `loop:`
	LoopVar       string // "item" unless loop_control says otherwise
	LoopIndex     string // loop_control.index_var
	LoopLabel     *Value // loop_control.label: what to show for an item; nil: the item
	LoopPause     *Value // loop_control.pause: seconds between items
	LoopExtended  *Expr  // loop_control.extended: ansible_loop is there
	LoopAllItems  *Expr  // loop_control.extended_allitems: ansible_loop.allitems too; nil: yes
	Register      string
	ChangedWhen   []*Expr
	FailedWhen    []*Expr
	Until         []*Expr // nil: once
	Retries       *Value  // nil: 3 where Until is there
	Delay         *Value  // seconds between tries; nil: 5
	DelegateTo    *Value
	DelegateFacts *Expr
	Notify        []*Value   // handlers' names, or what they listen to
	Listen        []string   // of a handler
	Async         *Value     // most seconds that it may run in the background; nil or 0: in the foreground
	Poll          *Value     // seconds between looks at it; 0: don't wait; nil: 15
	Range         diag.Range // the task's first line
	Dir           string     // absolute folder of the file it stands in
	node          *yaml.Node // of an import or include: what names its file or role
	ModuleRange   diag.Range
	// Order is the task's number in the play: unique, counted depth first
	// through sections, block, rescue and always from 0, handlers last. Tasks
	// that an include brings are numbered on from there when they are first
	// read.
	Order int
}

// Include is what an include_tasks or include_role brings. Its file and its
// role's name are among the task's Args.
type Include struct {
	Apply         Keywords // `apply:`: keywords for the tasks that come
	When          []*Expr  // apply's when, and so on
	DelegateTo    *Value
	DelegateFacts *Expr
	Notify        []*Value

	at   place      // where it stands
	node *yaml.Node // what names its file, to point at
}

// Title is the task's name as far as it is constant (templates in it are shown
// as written), or its module.
func (t *Task) Title() string {
	switch {
	case t.Name != nil && t.Name.text != "":
		return t.Name.text
	case t.Block != nil:
		return "block"
	}
	return t.Module
}

// Loader reads playbooks and all that they import: roles, task files,
// playbooks, files of variables. The zero value reads files from disk and
// finds roles beside the playbook.
type Loader struct {
	// FS has the files, rooted at /; nil: the disk.
	FS fs.FS
	// RolesPath are the folders, absolute, in which roles are looked for after
	// the playbook's own roles/ and before the playbook's folder
	// (ANSIBLE_ROLES_PATH).
	RolesPath []string
	// Vars are what a static import's templates may use: -e. nil: nothing.
	Vars Scope
	// Vault opens `!vault` values and encrypted files; nil: they are errors.
	Vault *vault.Keyring
}

// Load reads the playbook in data; file is its name in messages and dir the
// absolute folder its relative paths start from. The list holds errors and
// warnings, in the order of the files; the Playbook is usable only when
// list.Err() is nil.
func (l *Loader) Load(file, dir string, data []byte) (*Playbook, *diag.List) {
	ld := l.loader(file, dir)
	ld.place = place{src: newSource(file, data), dir: dir, chain: []link{{file, filepath.Join(dir, filepath.Base(file))}}}
	pb := &Playbook{File: file, Dir: dir, loader: ld}
	if data, ok := ld.decrypted(data); ok {
		ld.main = ld.src
		if root := ld.parse(data); root != nil {
			pb.Plays = ld.plays(root)
		}
	}
	if ld.list.Err() == nil { // otherwise a handler may be missing only because it is wrong
		for _, p := range pb.Plays {
			ld.checkNotify(p)
		}
	}
	list := ld.list
	list.Sort()
	return pb, &list
}

// Load is [Loader.Load] with the zero Loader.
func Load(file, dir string, data []byte) (*Playbook, *diag.List) {
	return new(Loader).Load(file, dir, data)
}

// Scope is where an evaluation finds its variables: a read-only view of layers
// that the caller arranges. A value may itself be a *Value (a variable whose
// text holds templates); it is evaluated when it is used, and a variable that
// needs itself is an error. Plain strings are never taken for templates, so
// what a host sent is safe to put into a scope.
type Scope interface {
	Lookup(name string) (v any, ok bool)
	Names() []string // for "did you mean"; order doesn't matter
}

// Omitted is the value of the variable `omit`, where the scope doesn't define
// it otherwise: an argument that evaluates to it counts as not given. Inside
// lists and mappings it is dropped.
type Omitted struct{}

// EvalError is an expression that could not be evaluated for a host: an
// undefined variable, a wrong type. Its Diagnostic names the place.
type EvalError struct {
	Diagnostic diag.Diagnostic
	Undefined  string // the variable's name, where that is the reason
}

// Error is the summary; place and hint are in the Diagnostic.
func (e *EvalError) Error() string { return e.Diagnostic.Summary }
