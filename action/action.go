// Package action is what a task does on a host: one module a Go file, its
// remote half a POSIX shell file in sh/.
//
// Data flows one way: a task's parameters are checked against the module's
// [Spec] at load (by package playbook), their templates are evaluated for a
// host (by package runner), [Spec.Bind] turns them into typed [Args], and
// [Spec.Run] brings one thing on the host to the asked-for state through the
// host's held shell, reporting a [Result].
package action

import (
	"context"

	"thordeploy/internal/bundle"
	"thordeploy/transport/shell"
)

// Type is the type of a module's parameter, in Ansible's terms.
type Type string

// The parameter types.
const (
	String Type = "str"
	Bool   Type = "bool" // yes/no/on/off/true/false/1/0
	Int    Type = "int"
	Float  Type = "float"
	Path   Type = "path" // a string; ~ is the target account's home
	Mode   Type = "mode" // octal string ("0755") or symbolic ("u+x"); a YAML number that was written without a leading 0 is an error
	List   Type = "list" // of strings; a string is split at commas
	Dict   Type = "dict"
	Raw    Type = "raw" // whatever YAML has
)

// Param is one parameter of a module.
type Param struct {
	Name     string
	Aliases  []string
	Type     Type
	Required bool
	Default  any      // nil: none
	Choices  []string // allowed values of a String or of a List's items; of a Mode, words allowed besides modes
	Doc      string   // one sentence
	JSON     bool     // a list or a mapping that is given is JSON text
}

// Spec is a module: the one source for checking, help and documentation.
type Spec struct {
	Name     string
	Aliases  []string // other names for the same module ("execute" for command)
	FreeForm string   // the parameter that the `module: text` form sets ("cmd", "path"); empty: text is read as key=value
	// RawText: the text is a command line, of which only the named keys are
	// taken as key=value (command, shell, raw, script).
	RawText []string
	Params  []Param
	// Exclusive lists sets of parameters of which at most one may be given,
	// OneOf sets of which at least one must be.
	Exclusive, OneOf [][]string
	// AnyParam: parameters that are not in Params are taken as they are
	// (set_fact's variables).
	AnyParam bool
	Doc      string // one sentence for a list of modules
	Local    bool   // runs on the controller alone: Call.Shell may be nil (debug)
	Runner   bool   // the runner performs it itself (meta, include_tasks): Run is nil
	// Ephemeral says which absolute paths a task with these (constant or
	// evaluated) arguments mounts on, makes or takes away again. The runner
	// uses it to tell the guard what the play puts on a host for its own
	// duration. nil: none.
	Ephemeral func(Args) Footprint
	Run       func(context.Context, *Call) Result
}

// Footprint is what a task does to paths that may be there only for a play.
type Footprint struct {
	Makes   []string // folders made
	Mounts  []string // mount points mounted on
	Removes []string // mount points unmounted, folders removed
	Size    int64    // bytes of the RAM drive asked for with size=, 0: none
	RAM     bool     // the mount is a ramfs or tmpfs
}

// Call is one task on one host, with all that it may use.
type Call struct {
	Args  Args
	Env   map[string]string // the task's environment
	Host  string            // inventory_hostname
	Shell *shell.Session    // the host's held shell, as the account the task runs as
	Local Paths
	// Background: don't wait for the command (command, shell, raw). nil: wait.
	Background *Background
	Check      bool                           // report without acting
	Diff       bool                           // report what changes, in Result.Diff
	Verbosity  int                            // how many -v the run has
	Vars       func(expr string) (any, error) // evaluates an expression in the task's scope (assert: that=)
	Shown      func(expr string) (any, error) // the same, as {{ }} around it would give it (debug: var=)
	Output     func(stream string, p []byte)  // live output, "stdout" or "stderr"; never nil
	Trees      *bundle.Cache                  // packed trees, shared by all hosts
	RAMSizes   map[string]int64               // size= of the RAM drives this play mounted on this host, by mount point
	Connect    Connecting                     // opens the host's held shell anew (wait_for_connection)
	// Ask asks the person at the terminal (pause). The answer is empty where
	// nobody is there. nil: nobody is.
	Ask func(ctx context.Context, q Question) (answer string, err error)
	// Template renders the text of the template file in the task's scope.
	// The error is a *diag.Diagnostic where the fault has a place.
	Template func(text, file string, o TemplateOptions) (string, error)
}

// Question is what a task asks the person at the terminal.
type Question struct {
	Text   string // after the task's name
	Secret bool   // the answer isn't shown
	Tell   bool   // show the text alone, and wait for no answer
}

// TemplateOptions say how a template file is written, as the parameters of
// ansible.builtin.template do. Empty delimiters are Jinja's own.
type TemplateOptions struct {
	TrimBlocks, LstripBlocks   bool
	NewlineSequence            string // what ends a line of the result; empty: "\n"
	BlockStart, BlockEnd       string
	VariableStart, VariableEnd string
	CommentStart, CommentEnd   string
	Vars                       map[string]any // variables of the file's own (template_path, …), over the scope's
	// Load reads another template that this one includes or imports. An error
	// that is fs.ErrNotExist is what `ignore missing` ignores.
	Load func(name string) (text, file string, err error)
}

// Change is what a task altered, or in check mode would alter, as --diff shows
// it.
type Change struct {
	BeforeHeader string `json:"before_header,omitempty"` // what Before is: a path
	AfterHeader  string `json:"after_header,omitempty"`
	Before       string `json:"before"`
	After        string `json:"after"`
	// Note stands instead of texts that are not shown (too long, not text).
	Note string `json:"note,omitempty"`
}

// Paths are the controller's folders that relative paths are looked up in.
type Paths struct {
	Playbook string   // the playbook's folder: base of fetch's dest, and of src after the others
	Role     string   // the role's folder, empty outside a role
	Files    []string // further folders to look in, in order, before the playbook's
}

// Result is what became of a task on a host.
type Result struct {
	Changed bool
	Failed  bool
	Skipped bool
	Msg     string         // why, for Failed and Skipped; otherwise a remark
	Hint    string         // what to try, for Failed
	Values  map[string]any // the module's return values, as Ansible names them (rc, stdout, stdout_lines, dest, stat, …)
	Facts   map[string]any // facts to add to the host, by their ansible_ names
	Vars    map[string]any // variables to set for the host (set_fact)
	Diff    []Change       // with Call.Diff
	// Lost is set instead when the host was lost while the task ran; it is a
	// *transport.Error. TimedOut: the task's deadline ended it.
	Lost     error
	TimedOut bool
}

// Lookup finds a module by name or alias; `ansible.builtin.`, `ansible.legacy.`
// and `ansible.posix.` prefixes mean the same module.
func Lookup(name string) (*Spec, bool) { return lookup(name) }

// Names lists the modules' names and aliases, sorted, for "did you mean".
func Names() []string { return names() }

// Param finds a parameter by name or alias.
func (s *Spec) Param(name string) (*Param, bool) { return s.param(name) }

// Check says what is wrong with v as the value of p, for a value known at
// load; nil when it is fine. The error is a *ParamError.
func (p *Param) Check(v any) error { return p.check(v) }

// Bind turns evaluated parameters (YAML's own types; strings where the
// key=value form gave them) into typed Args with the defaults filled in, or
// says which parameter is wrong, missing or in conflict.
func (s *Spec) Bind(values map[string]any) (Args, error) { return s.bind(values) }

// Args are a task's parameters, typed as the Spec says. Getters return the
// zero value for a parameter that was neither given nor has a default.
type Args struct{ values map[string]any }

// Has reports whether the parameter was given or has a default.
func (a Args) Has(name string) bool { _, ok := a.values[name]; return ok }

// Str returns a str, path or mode parameter.
func (a Args) Str(name string) string { s, _ := a.values[name].(string); return s }

// Bool returns a bool parameter.
func (a Args) Bool(name string) bool { b, _ := a.values[name].(bool); return b }

// Int returns an int parameter.
func (a Args) Int(name string) int { n, _ := a.values[name].(int); return n }

// Float returns a float parameter.
func (a Args) Float(name string) float64 { f, _ := a.values[name].(float64); return f }

// Dict returns a dict parameter. The caller must not change it.
func (a Args) Dict(name string) map[string]any { m, _ := a.values[name].(map[string]any); return m }

// List returns a list parameter.
func (a Args) List(name string) []string { l, _ := a.values[name].([]string); return l }

// Others returns the parameters of a module with AnyParam that its Spec doesn't
// name, as they were given.
func (a Args) Others(s *Spec) map[string]any {
	out := map[string]any{}
	for name, v := range a.values {
		if _, named := s.param(name); !named {
			out[name] = v
		}
	}
	return out
}

// Raw returns a parameter as it was given.
func (a Args) Raw(name string) any { return a.values[name] }
