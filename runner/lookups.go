package runner

import (
	"fmt"

	"thordeploy/inventory"
	"thordeploy/playbook"
)

// Controller lets a host's templates look things up.
func (s *scope) Controller() playbook.Controller { return s.host.Runner.Controller }

// Templates keeps the template files that were compiled in this run.
func (s *scope) Templates() *playbook.Templates { return &s.host.templates }

// HostsOf are the names of the hosts that a pattern selects.
func (s *scope) HostsOf(pattern string) ([]string, error) {
	return hostsOf(s.host.world.Load().inv, pattern)
}

// Controller lets the templates of a play look things up.
func (s playScope) Controller() playbook.Controller { return s.p.Runner.Controller }

// Templates keeps the template files that were compiled in this run.
func (s playScope) Templates() *playbook.Templates { return &s.p.templates }

// HostsOf are the names of the hosts that a pattern selects.
func (s playScope) HostsOf(pattern string) ([]string, error) {
	return hostsOf(s.p.world.Load().inv, pattern)
}

// Controller lets another host's variables look things up.
func (s foreign) Controller() playbook.Controller { return s.run.Runner.Controller }

// Templates keeps the template files that were compiled in this run.
func (s foreign) Templates() *playbook.Templates { return &s.run.templates }

func hostsOf(inv *inventory.Inventory, pattern string) ([]string, error) {
	hosts, _, err := inv.Select(pattern)
	if err != nil {
		return nil, fmt.Errorf("%q is no host pattern: %w", pattern, err)
	}
	return names(hosts), nil
}
