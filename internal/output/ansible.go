package output

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/runner"
)

// Ansible shows a run as ansible-playbook's default callback does
// (ansible-core 2.14, plugins/callback/default.py), for scripts and people that
// read that: banners, one line a host and task, results as JSON, the recap. Its
// warnings and thordeploy's hints go to Err. One value shows all playbooks of a
// command line, whose recaps count on.
type Ansible struct {
	W, Err  io.Writer
	Color   bool
	Verbose int // -v: 1 shows results, 2 tasks' places, 3 indents results
	Columns int // of the terminal, less one; 0: 79

	HideSkipped    bool // ANSIBLE_DISPLAY_SKIPPED_HOSTS=no
	HideOK         bool // ANSIBLE_DISPLAY_OK_HOSTS=no
	FailedToStderr bool // ANSIBLE_DISPLAY_FAILED_STDERR
	CheckMarkers   bool // ANSIBLE_CHECK_MODE_MARKERS

	state  runner.State
	buf    strings.Builder
	errs   strings.Builder
	play   int
	banner banner             // of the task that was shown last
	looped map[string]looping // by host
	warned map[string]bool
	inc    []includes
}

var _ runner.Sink = (*Ansible)(nil)

// banner is which task's banner stands above.
type banner struct {
	shown      bool
	play, task int
	hosts      map[string]bool // that have begun the task under it
}

// looping is the loop that a host is in.
type looping struct {
	task  int
	diffs []runner.TaskFinished // of its items, shown when it ends
}

// Event shows one event.
func (a *Ansible) Event(e runner.Event) error {
	a.state.Apply(e)
	a.buf.Reset()
	a.errs.Reset()
	if !a.stillIncluding(e) {
		a.sayIncluded()
	}
	switch e := e.(type) {
	case runner.RunStarted:
		a.banner = banner{}
		a.started(e)
	case runner.PlayStarted:
		a.playStarted(e)
	case runner.TaskStarted:
		a.begins(e)
	case runner.TaskRetried:
		a.retried(e)
	case runner.TaskFinished:
		a.task(e)
	case runner.HostCleaned:
		for _, l := range e.Left {
			a.warn(e.Host + ": left on the host: " + l)
		}
	case runner.Notice:
		text := e.Text
		if e.Host != "" {
			text = e.Host + ": " + text
		}
		a.warn(text)
	case runner.RunFinished:
		a.recap()
	}
	return a.flush()
}

func (a *Ansible) flush() error {
	for _, part := range []struct {
		w    io.Writer
		text string
	}{{a.W, a.buf.String()}, {a.Err, a.errs.String()}} {
		if part.text == "" || part.w == nil {
			continue
		}
		if _, err := io.WriteString(part.w, part.text); err != nil {
			return err
		}
	}
	return nil
}

func (a *Ansible) started(e runner.RunStarted) {
	if a.Verbose > 1 {
		name := e.Playbook[strings.LastIndexByte(e.Playbook, '/')+1:]
		a.heading("PLAYBOOK: " + diag.Escape(name))
	}
	a.dryRun()
}

func (a *Ansible) dryRun() {
	if a.state.Check && a.CheckMarkers {
		a.heading("DRY RUN")
	}
}

func (a *Ansible) playStarted(e runner.PlayStarted) {
	a.play, a.banner = e.Play, banner{}
	head := "PLAY"
	if name := strings.TrimSpace(diag.Escape(e.Name)); name != "" {
		head += " [" + name + "]"
	}
	a.heading(head + a.checkMark())
	if len(e.Hosts) == 0 {
		a.line(cyan, "skipping: no hosts matched")
	}
}

func (a *Ansible) checkMark() string {
	if a.state.Check && a.CheckMarkers {
		return " [CHECK MODE]"
	}
	return ""
}

// heading is a banner: a blank line, the text, and stars to the terminal's edge.
func (a *Ansible) heading(text string) {
	columns := cmp.Or(a.Columns, 79)
	a.buf.WriteString("\n" + text + " " + strings.Repeat("*", max(3, columns-diag.Width(text))) + "\n")
}

// begins notes that a host begins a task, and shows its banner. A host that
// begins the task again, in an include's loop, gets a banner of its own.
func (a *Ansible) begins(e runner.TaskStarted) {
	if a.banner.hosts[e.Host] {
		a.banner = banner{}
	}
	if !a.HideSkipped && !a.HideOK {
		a.title(e)
	}
	if a.banner.hosts == nil {
		a.banner.hosts = map[string]bool{}
	}
	a.banner.hosts[e.Host] = true
}

// title shows the banner of a task, where it isn't the one above.
func (a *Ansible) title(e runner.TaskStarted) {
	if a.banner.shown && a.banner.play == e.Play && a.banner.task == e.Task {
		return
	}
	a.banner = banner{shown: true, play: e.Play, task: e.Task}
	what := "TASK"
	if e.Handler {
		what = "RUNNING HANDLER"
	}
	a.heading(what + " [" + strings.TrimSpace(taskName(roleOf(e), e.Name)) + "]" + a.checkMark())
}

// task shows how a task, or an item of its loop, ended on a host.
func (a *Ansible) task(e runner.TaskFinished) {
	if e.Status == runner.Skipped && a.HideSkipped || e.Status == runner.OK && a.HideOK {
		a.endLoop(e)
		return
	}
	a.title(runner.TaskStarted{Play: e.Play, Task: e.Task, Role: e.Role, Name: e.Name, Module: e.Module, Handler: e.Handler})
	if includesFile(e) {
		a.included(e)
		return
	}
	if a.Verbose > 1 && !e.IsItem && e.Place != "" && failed(e.Status) {
		a.line(darkGray, "task path: "+diag.Escape(e.Place))
	}
	switch {
	case e.IsItem:
		a.item(e)
	case a.endLoop(e):
		a.total(e)
	default:
		a.diffs(e)
		a.result(e)
	}
	if e.Hint != "" && failed(e.Status) && a.Err != nil {
		fmt.Fprintf(&a.errs, "hint: [%s] %s\n", diag.Escape(e.Host), diag.Escape(e.Hint))
	}
}

func failed(s runner.Status) bool {
	return s == runner.Failed || s == runner.Unreachable || s == runner.Ignored || s == runner.Rescued
}

// endLoop reports whether e closes a loop, whose items were shown.
func (a *Ansible) endLoop(e runner.TaskFinished) bool {
	if e.IsItem {
		return false
	}
	l, ok := a.looped[e.Host]
	if !ok || l.task != e.Task {
		return false
	}
	for _, d := range l.diffs {
		a.diffs(d)
	}
	delete(a.looped, e.Host)
	return true
}

// result is the line of a task without a loop.
func (a *Ansible) result(e runner.TaskFinished) {
	host := diag.Escape(where(e.Host, e.Delegated))
	switch e.Status {
	case runner.OK, runner.Changed, runner.Skipped:
		st := ansibleStyle[e.Status]
		a.line(st.color, st.word+": ["+host+"]"+a.shown(e))
	case runner.Unreachable:
		a.bad(brightRed, "fatal: ["+host+"]: UNREACHABLE! => "+a.dump(e))
	default:
		a.bad(red, "fatal: ["+host+"]: FAILED! => "+a.dump(e))
		a.ignoring(e)
	}
}

func (a *Ansible) ignoring(e runner.TaskFinished) {
	if e.Status == runner.Ignored {
		a.line(cyan, "...ignoring")
	}
}

// item is the line of a loop's item.
func (a *Ansible) item(e runner.TaskFinished) {
	if a.looped == nil {
		a.looped = map[string]looping{}
	}
	l := a.looped[e.Host]
	if l.task != e.Task {
		l = looping{}
	}
	l.task, l.diffs = e.Task, append(l.diffs, e)
	a.looped[e.Host] = l
	host, label := diag.Escape(where(e.Host, e.Delegated)), diag.Escape(itemLabel(e))
	switch e.Status {
	case runner.OK, runner.Changed:
		st := ansibleStyle[e.Status]
		a.line(st.color, fmt.Sprintf("%s: [%s] => (item=%s)%s", st.word, host, label, a.shown(e)))
	case runner.Skipped:
		a.line(cyan, fmt.Sprintf("skipping: [%s] => (item=%s) %s", host, label, a.shown(e)))
	case runner.Unreachable: // the task's own line says it
	default:
		a.bad(red, fmt.Sprintf("failed: [%s] (item=%s) => %s", host, label, a.dump(e)))
	}
}

// total is what is left to say when a loop ends.
func (a *Ansible) total(e runner.TaskFinished) {
	switch {
	case e.Status == runner.Skipped, e.Status == runner.Unreachable, censored(e):
		a.result(e)
	default:
		a.ignoring(e)
	}
}

// shown is a result behind the line of a task that went well: with -v, and
// always where showing it is what the module is for.
func (a *Ansible) shown(e runner.TaskFinished) string {
	always := verboseAlways(e) && e.Status != runner.Skipped
	if a.Verbose == 0 && !always || e.Module == "setup" && e.Task < 0 {
		return ""
	}
	return " => " + a.dump(e)
}

var ansibleStyle = map[runner.Status]struct{ word, color string }{
	runner.OK:      {"ok", green},
	runner.Changed: {"changed", yellow},
	runner.Skipped: {"skipping", cyan},
}

// bad is the line of a failure, on standard error where that is wanted.
func (a *Ansible) bad(color, text string) {
	if !a.FailedToStderr {
		a.line(color, text)
		return
	}
	a.errs.WriteString(a.paint(color, text) + "\n")
}

// line is one line, or a result of several; text is clean already.
func (a *Ansible) line(color, text string) { a.buf.WriteString(a.paint(color, text) + "\n") }

// paint colours each line of text by itself, as Ansible does.
func (a *Ansible) paint(color, text string) string {
	if !a.Color {
		return text
	}
	return color + strings.ReplaceAll(text, "\n", plain+"\n"+color) + plain
}

// warn is a warning on standard error, each once.
func (a *Ansible) warn(text string) {
	text = "[WARNING]: " + diag.Escape(text)
	if a.warned == nil {
		a.warned = map[string]bool{}
	}
	if a.warned[text] {
		return
	}
	a.warned[text] = true
	a.errs.WriteString(a.paint(brightPurple, strings.Join(wrap(text, cmp.Or(a.Columns, 79)), "\n")+"\n") + "\n")
}

// wrap breaks text at blanks into lines of at most width characters.
func wrap(text string, width int) []string {
	var out []string
	line := ""
	for _, w := range strings.Fields(text) {
		if line != "" && diag.Width(line)+1+diag.Width(w) > width {
			out = append(out, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	return append(out, line)
}

// recap is the table at the end: every host that did anything, by name.
func (a *Ansible) recap() {
	a.heading("PLAY RECAP")
	names := slices.Sorted(slices.Values(a.state.Order))
	for _, name := range names {
		h := a.state.Hosts[name]
		if h.Counts == (runner.Counts{}) {
			continue
		}
		a.buf.WriteString(a.recapHost(h) + " :")
		for _, c := range []struct {
			name  string
			n     int
			color string
		}{
			{"ok", h.OK, green}, {"changed", h.Changed, yellow}, {"unreachable", h.Unreachable, brightRed}, {"failed", h.Failed, red},
			{"skipped", h.Skipped, cyan}, {"rescued", h.Rescued, green}, {"ignored", h.Ignored, brightPurple},
		} {
			text := fmt.Sprintf("%s=%-4d", c.name, c.n)
			if c.n != 0 {
				text = a.paint(c.color, text)
			}
			a.buf.WriteString(" " + text)
		}
		a.buf.WriteString("\n")
	}
	a.buf.WriteString("\n")
	a.dryRun()
}

func (a *Ansible) recapHost(h *runner.HostState) string {
	name := fmt.Sprintf("%-26s", diag.Escape(h.Name))
	if !a.Color {
		return name
	}
	color := green
	switch {
	case h.Failed > 0 || h.Unreachable > 0:
		color = red
	case h.Changed > 0:
		color = yellow
	}
	return fmt.Sprintf("%-37s", a.paint(color, diag.Escape(h.Name)))
}

// roleOf is the role that a task's title names: an include_role has none.
func roleOf(e runner.TaskStarted) string {
	if strings.HasSuffix(e.Module, "include_role") {
		return ""
	}
	return e.Role
}
