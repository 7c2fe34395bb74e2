package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"thordeploy/inventory"
	"thordeploy/transport"
)

// maxProblems is how many hosts' problems are printed: one mistake in a group's
// variables is the same for each of its hosts.
const maxProblems = 10

// checkHosts prints what is wrong with how the chosen hosts are to be reached,
// as far as their variables (and -e over them) tell without a template, so that
// no host is touched in vain.
func (m *Main) checkHosts(ctx context.Context, d *dialer, jobs []job, extra map[string]any) error {
	checked := map[string]bool{}
	problems := 0
	for _, j := range jobs {
		for _, l := range j.legs {
			for _, h := range l.Hosts {
				if checked[h.Name] {
					continue
				}
				checked[h.Name] = true
				if err := d.check(ctx, h, extra); err != nil {
					if problems++; problems <= maxProblems {
						explain(m.err, err)
					}
				}
			}
		}
	}
	if problems > maxProblems {
		fmt.Fprintf(m.err, "error: and %d more hosts\n", problems-maxProblems)
	}
	if problems > 0 {
		return errSaid
	}
	return nil
}

// check finds what is wrong with h's connection variables.
func (d *dialer) check(ctx context.Context, h *inventory.Host, extra map[string]any) error {
	c, err := inventory.ConnectionOf(h.Name, constants(h.Vars, extra))
	var bad *inventory.VarError
	if errors.As(err, &bad) {
		return wrong(bad.Hint, "host %s: %s %s", bad.Host, bad.Name, bad.Reason)
	}
	if err != nil {
		return err
	}
	if on := c.Become.Enabled; on != nil && *on && c.Become.Method != "none" {
		b := transport.Become{User: first(c.Become.User, "root"), Method: c.Become.Method, Password: c.Become.Password}
		if err := b.Check(); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	if c.Kind == "local" {
		return nil
	}
	_, err = d.config(ctx, h, c, c.User)
	return err
}

// constants are the connection variables without templates, the later ones of
// layers over the earlier.
func constants(layers ...map[string]any) map[string]any {
	out := map[string]any{}
	for _, vars := range layers {
		for _, name := range inventory.ConnectionVars() {
			v, ok := vars[name]
			if text, isText := v.(string); isText && strings.Contains(text, "{") {
				delete(out, name) // known only once it is evaluated
			} else if ok {
				out[name] = v
			}
		}
	}
	return out
}
