package ioc

import (
	"context"
	"strings"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// Matcher is a [scanner.Matcher] of file names, digests, addresses and keywords.
type Matcher struct{ lists *Lists }

// Matcher returns a matcher of the lists, which don't change any more.
func (l *Lists) Matcher() *Matcher { return &Matcher{lists: l} }

// Match implements [scanner.Matcher].
func (m *Matcher) Match(_ context.Context, o *scanner.Object) ([]finding.Reason, error) {
	switch {
	case o.File != nil:
		return m.file(o), nil
	case o.Process != nil:
		return m.process(o.Process), nil
	}
	return nil, nil
}

// file looks at the path of a file, and at the digests of what was read of it
// if that is all of it.
func (m *Matcher) file(o *scanner.Object) []finding.Reason {
	reasons := m.lists.names.match(o.Name)
	if len(o.Data) > 0 && int64(len(o.Data)) == o.Size {
		if ind := m.lists.digests.find(&Sums{}, o.Data); ind != nil {
			reasons = append(reasons, reasonOf(ind))
		}
	}
	return reasons
}

// process looks at whom a process talks to, and for keywords in its arguments.
func (m *Matcher) process(p *scanner.Process) []finding.Reason {
	var reasons []finding.Reason
	seen := map[*Indicator]bool{}
	for _, peer := range p.Remote {
		if ind := m.lists.Address(peer.Addr()); ind != nil && !seen[ind] {
			seen[ind] = true
			reasons = append(reasons, ind.reason(finding.DomainIOC, finding.Matched{Data: finding.NewText([]byte(peer.String())), Field: "/connections"}))
		}
	}
	for _, ind := range m.lists.Keyword([]byte(strings.Join(p.Args, " "))) {
		reasons = append(reasons, ind.reason(finding.KeywordIOC, finding.Matched{Data: finding.NewText([]byte(ind.Text)), Field: "/command"}))
	}
	return reasons
}

// Trusted reports whether a content stands in a list of trusted digests.
func (l *Lists) Trusted(content []byte) bool {
	return len(content) > 0 && l.trusted.find(&Sums{}, content) != nil
}
