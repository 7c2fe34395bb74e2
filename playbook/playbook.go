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
	"thordeploy/action"
	"thordeploy/internal/diag"
)

// Playbook is one playbook file. It doesn't change after load.
type Playbook struct {
	File  string // as given by the user, or "builtin:thor.yml"
	Dir   string // absolute folder that relative paths start from
	Plays []*Play
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
}

// Play maps hosts to tasks.
type Play struct {
	Name         string // falls back to the hosts pattern
	Hosts        *Value // the host pattern; a list was joined with commas
	RemoteUser   *Value // nil: unset
	Connection   *Value // ssh or local, as ansible_connection, which wins; nil: unset
	Become       Become
	GatherFacts  *bool // nil: unset; thordeploy gathers only when facts are used or true is written
	Vars         []Var
	Strategy     Strategy // empty: unset
	Environment  *Value
	IgnoreErrors *Expr
	Tasks        []*Task
	Range        diag.Range
}

// Var is one entry of a vars: mapping.
type Var struct {
	Name  string
	Value *Value
	Range diag.Range
}

// Task is a task or a block: Block is non-nil for a block, Spec for a task.
type Task struct {
	Name         *Value // nil: unnamed. Title gives what to show
	Spec         *action.Spec
	Module       string            // as the user wrote it ("execute", "ansible.builtin.copy")
	Args         map[string]*Value // by the Spec's canonical parameter names
	Block        []*Task
	Rescue       []*Task
	Always       []*Task
	When         []*Expr
	Loop         *Value // nil: no loop
	LoopVar      string // "item" unless loop_control says otherwise
	LoopLabel    *Value // loop_control.label: what to show for an item; nil: the item
	Register     string
	IgnoreErrors *Expr
	ChangedWhen  []*Expr
	FailedWhen   []*Expr
	Become       Become
	RemoteUser   *Value
	Connection   *Value
	Vars         []Var
	Environment  *Value
	NoLog        *Expr
	Timeout      *Value     // seconds
	Check        *Expr      // check_mode
	Range        diag.Range // the task's first line
	ModuleRange  diag.Range
	// Order is the task's place in the play, counted depth first through
	// block, rescue and always, unique in the play, from 0. The linear
	// strategy's barrier compares it.
	Order int
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

// Load reads the playbook in data; file is its name in messages and dir the
// folder its relative paths start from. The list holds errors and warnings,
// in the order of the file; the Playbook is usable only when list.Err() is
// nil.
func Load(file, dir string, data []byte) (*Playbook, *diag.List) {
	ld := &loader{src: newSource(file, data)}
	pb := &Playbook{File: file, Dir: dir}
	if root := ld.parse(data); root != nil {
		pb.Plays = ld.plays(root)
	}
	ld.list.Sort()
	return pb, &ld.list
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
