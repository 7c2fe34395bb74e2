package ioc

import (
	"fmt"
	"strings"

	ahocorasick "github.com/BobuSumisu/aho-corasick"
)

// keywords are texts that are looked for in lines of logs, in command lines and
// the like, all at once.
type keywords struct {
	list []*Indicator
	trie *ahocorasick.Trie
}

// add takes the line as it is.
func (k *keywords) add(ind *Indicator) error {
	ind.Score = keywordScore
	if len(strings.TrimSpace(ind.Text)) < minLiteral {
		return fmt.Errorf("a keyword of less than three characters is in every text: %w", errEverywhere)
	}
	k.list = append(k.list, ind)
	return nil
}

func (k *keywords) finish() {
	k.trie = nil
	if len(k.list) == 0 {
		return
	}
	b := ahocorasick.NewTrieBuilder()
	for _, ind := range k.list {
		b.AddString(ind.Text)
	}
	k.trie = b.Build()
}

// Keyword returns the keywords in text, each once, in the order in which they
// end there.
func (l *Lists) Keyword(text []byte) []*Indicator {
	if l.keywords.trie == nil {
		return nil
	}
	var out []*Indicator
	seen := map[int64]bool{}
	l.keywords.trie.Walk(text, func(_, _, at int64) bool {
		if !seen[at] {
			seen[at] = true
			out = append(out, l.keywords.list[at])
		}
		return true
	})
	return out
}
