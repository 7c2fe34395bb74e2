package main

import (
	"fmt"
	"slices"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/playbook"
	"thordeploy/runner"
)

// sayList is --syntax-check, --list-hosts, --list-tasks and --list-tags: what
// would be done, in the form of the name that the program was started under.
func (m *Main) sayList(jobs []job) {
	switch {
	case m.ansible:
		for _, j := range jobs {
			m.sayAnsibleList(j)
		}
	case m.syntaxCheck:
		m.sayChecked(jobs)
	default:
		for _, j := range jobs {
			fmt.Fprintf(m.out, "\nplaybook: %s\n", diag.Escape(j.playbook.File))
			for i, l := range j.legs {
				m.sayPlay(i, l)
			}
		}
	}
}

// sayChecked is the end of --syntax-check.
func (m *Main) sayChecked(jobs []job) {
	for _, j := range jobs {
		plays := "plays"
		if len(j.playbook.Plays) == 1 {
			plays = "play"
		}
		fmt.Fprintf(m.out, "%s: %d %s, no errors\n", j.playbook.File, len(j.playbook.Plays), plays)
	}
}

// sayPlay lists a play's hosts, tasks and tags.
func (m *Main) sayPlay(i int, l runner.Leg) {
	fmt.Fprintf(m.out, "\n  play #%d (%s):", i+1, diag.Escape(l.Play.Name))
	if m.listHosts {
		fmt.Fprintf(m.out, " hosts (%d):\n", len(l.Hosts))
		for _, h := range l.Hosts {
			fmt.Fprintf(m.out, "    %s\n", diag.Escape(h.Name))
		}
	} else {
		fmt.Fprintln(m.out)
	}
	tasks := m.listed(l.Play)
	if m.listTasks {
		fmt.Fprintf(m.out, "    tasks (%d):\n", len(tasks))
		for _, t := range tasks {
			tags := ""
			if len(t.tags) > 0 {
				tags = " [" + diag.Escape(strings.Join(t.tags, ", ")) + "]"
			}
			fmt.Fprintf(m.out, "      %s%s\n", diag.Escape(t.name), tags)
		}
	}
	if m.listTags {
		fmt.Fprintf(m.out, "    tags: %s\n", diag.Escape(strings.Join(allTags(l.Play, tasks), ", ")))
	}
}

// sayAnsibleList lists a playbook as ansible-playbook does.
func (m *Main) sayAnsibleList(j job) {
	fmt.Fprintf(m.out, "\nplaybook: %s\n", diag.Escape(j.playbook.File))
	if m.syntaxCheck {
		return
	}
	for i, l := range j.legs {
		pattern := l.Play.Hosts.Text()
		if c, ok := l.Play.Hosts.Const(); ok {
			pattern = fmt.Sprint(c)
		}
		fmt.Fprintf(m.out, "\n  play #%d (%s): %s\tTAGS: [%s]", i+1, diag.Escape(pattern), diag.Escape(l.Play.Name), diag.Escape(strings.Join(l.Play.Tags, ",")))
		if m.listHosts {
			fmt.Fprintf(m.out, "\n    pattern: [%s]\n    hosts (%d):", quoted(strings.Split(pattern, ",")), len(l.Hosts))
			for _, h := range l.Hosts {
				fmt.Fprintf(m.out, "\n      %s", diag.Escape(h.Name))
			}
		}
		fmt.Fprintln(m.out)
		m.sayAnsibleTasks(l.Play)
	}
}

func (m *Main) sayAnsibleTasks(p *playbook.Play) {
	if !m.listTasks && !m.listTags {
		return
	}
	tasks := m.listed(p)
	if m.listTasks {
		fmt.Fprint(m.out, "    tasks:\n")
		for _, t := range tasks {
			fmt.Fprintf(m.out, "      %s\tTAGS: [%s]\n", diag.Escape(t.name), diag.Escape(strings.Join(t.tags, ", ")))
		}
	}
	if m.listTags {
		fmt.Fprintf(m.out, "      TASK TAGS: [%s]\n", diag.Escape(strings.Join(allTags(p, tasks), ", ")))
	}
}

// quoted is a list as Python writes it.
func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = "'" + diag.Escape(strings.TrimSpace(s)) + "'"
	}
	return strings.Join(out, ", ")
}

// listedTask is a task in a list: its name with its role's, and its tags with
// those around it, sorted.
type listedTask struct {
	name string
	tags []string
}

// listed lists the tasks of a play that --tags and --skip-tags select, as
// --list-tasks shows them: blocks by what is in them, without their rescue and
// always sections, handlers left out.
func (m *Main) listed(p *playbook.Play) []listedTask {
	var out []listedTask
	selects := playbook.TagFilter{Only: m.tags, Skip: m.skipTags}.Selects
	var walk func(list []*playbook.Task, tags []string, role string)
	walk = func(list []*playbook.Task, tags []string, role string) {
		for _, t := range list {
			tags := union(tags, t.Tags)
			switch {
			case t.Role != nil:
				walk(t.Block, tags, t.Role.Name)
			case t.Block != nil:
				walk(t.Block, tags, role)
			case selects(tags):
				name := t.Title()
				if role != "" && t.Name != nil {
					name = role + " : " + name
				}
				out = append(out, listedTask{name, tags})
			}
		}
	}
	for _, section := range [][]*playbook.Task{p.PreTasks, p.Roles, p.Tasks, p.PostTasks} {
		walk(section, slices.Sorted(slices.Values(p.Tags)), "")
	}
	return out
}

// allTags are the tags of a play and its tasks, sorted.
func allTags(p *playbook.Play, tasks []listedTask) []string {
	out := union(nil, p.Tags)
	for _, t := range tasks {
		out = union(out, t.tags)
	}
	return out
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
