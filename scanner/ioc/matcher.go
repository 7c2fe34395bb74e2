package ioc

import (
	"context"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// Matcher is a [scanner.Matcher] of file names and digests.
type Matcher struct{ lists *Lists }

// Matcher returns a matcher of the lists, which don't change any more.
func (l *Lists) Matcher() *Matcher { return &Matcher{lists: l} }

// Match implements [scanner.Matcher]: the path of a file, and the digests of
// what was read of it if that is all of it.
func (m *Matcher) Match(_ context.Context, o *scanner.Object) ([]finding.Reason, error) {
	if o.File == nil {
		return nil, nil
	}
	reasons := m.lists.names.match(o.Name)
	if len(o.Data) > 0 && int64(len(o.Data)) == o.Size {
		if ind := m.lists.digests.find(&Sums{}, o.Data); ind != nil {
			reasons = append(reasons, reasonOf(ind))
		}
	}
	return reasons, nil
}

// Trusted reports whether a content stands in a list of trusted digests.
func (l *Lists) Trusted(content []byte) bool {
	return len(content) > 0 && l.trusted.find(&Sums{}, content) != nil
}
