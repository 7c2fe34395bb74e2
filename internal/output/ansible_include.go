package output

import (
	"slices"
	"strconv"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/runner"
)

// includes is a file that an include_tasks brought, and for whom. Ansible tells
// it once for all hosts, so it is kept until something else happens.
type includes struct {
	file, item string
	hosts      []string
}

// includesFile reports a file of tasks that was included.
func includesFile(e runner.TaskFinished) bool {
	return e.Module == "include_tasks" && e.Status == runner.OK && !e.IsItem
}

// stillIncluding reports an event of the include that is being told.
func (a *Ansible) stillIncluding(e runner.Event) bool {
	switch e := e.(type) {
	case runner.TaskFinished:
		return includesFile(e)
	case runner.HostFinished:
		return true
	case runner.TaskStarted:
		return a.banner.shown && a.banner.play == e.Play && a.banner.task == e.Task && !a.banner.hosts[e.Host]
	}
	return false
}

func (a *Ansible) included(e runner.TaskFinished) {
	file, _ := e.Result["include"].(string)
	item := ""
	if _, looped := e.Result["ansible_loop_var"]; looped {
		item = itemLabel(e)
	}
	i := slices.IndexFunc(a.inc, func(in includes) bool { return in.file == file && in.item == item })
	if i < 0 {
		a.inc = append(a.inc, includes{file: file, item: item})
		i = len(a.inc) - 1
	}
	a.inc[i].hosts = append(a.inc[i].hosts, e.Host)
}

// sayIncluded tells what was included since.
func (a *Ansible) sayIncluded() {
	for _, in := range a.inc {
		hosts := slices.Clone(in.hosts)
		slices.SortStableFunc(hosts, func(x, y string) int {
			return slices.Index(a.state.Order, x) - slices.Index(a.state.Order, y)
		})
		text := "included: " + diag.Escape(in.file) + " for " + diag.Escape(strings.Join(hosts, ", "))
		if in.item != "" {
			text += " => (item=" + diag.Escape(in.item) + ")"
		}
		a.line(cyan, text)
	}
	a.inc = nil
}

// retried is the line of a task that is tried again.
func (a *Ansible) retried(e runner.TaskRetried) {
	a.line(darkGray, "FAILED - RETRYING: ["+diag.Escape(where(e.Host, e.Delegated))+"]: "+taskName(e.Role, e.Name)+
		" ("+strconv.Itoa(e.Left)+" retries left).")
}
