package yara

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/hillu/go-yara/v4"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// Limits of what a reason says, so that a finding stays a line.
const (
	defaultScore   = 75
	maxMatched     = 10  // pieces in one reason
	maxPerString   = 2   // pieces by one string of a rule
	maxPiece       = 128 // bytes of a piece
	contextBytes   = 32  // before and after a piece
	maxMeta        = 1024
	maxMetaEntries = 16
)

// collector turns the rules that match on an object into reasons.
type collector struct {
	ctx     context.Context
	object  *scanner.Object
	origin  finding.Origin
	reasons []finding.Reason
}

// RuleMatching is called by libyara for each rule that matches. Aborting ends
// the scan of this object.
func (c *collector) RuleMatching(sc *yara.ScanContext, r *yara.Rule) (abort bool, err error) {
	if c.ctx.Err() != nil {
		return true, nil
	}
	m := readMeta(r.Metas())
	if !m.appliesTo(c.object) {
		return false, nil
	}
	sig := finding.Signature{
		Score: m.score, Reference: m.references, Origin: c.origin, Kind: finding.YARARule, Date: m.date,
		Tags: r.Tags(), RuleName: r.Identifier(), Description: m.description, Author: m.author, ID: m.id,
		FalsePositives: m.falsePositives,
	}
	summary := "YARA rule " + sig.RuleName
	if sig.Description != "" {
		summary += " / " + sig.Description
	}
	c.reasons = append(c.reasons, finding.NewReason(summary, sig, c.matched(sc, r)))
	return false, nil
}

// matched returns the first pieces of the object that the rule's strings match.
func (c *collector) matched(sc *yara.ScanContext, r *yara.Rule) []finding.Matched {
	var out []finding.Matched
	for _, s := range r.Strings() {
		if strings.HasPrefix(s.Identifier(), "$fp") {
			continue // by custom, strings that speak against the match
		}
		for i, m := range s.Matches(sc) {
			if i == maxPerString || len(out) == maxMatched {
				break
			}
			offset := uint64(m.Base() + m.Offset())
			out = append(out, piece(c.object.Data, m.Data(), offset))
		}
	}
	return out
}

// piece describes data, found at offset of content, with what is around it.
func piece(content, data []byte, offset uint64) finding.Matched {
	m := finding.Matched{Data: finding.NewText(data[:min(len(data), maxPiece)]), Offset: &offset}
	if size := uint64(len(content)); offset < size {
		from := offset - min(offset, contextBytes)
		to := min(offset+uint64(len(data[:min(len(data), maxPiece)]))+contextBytes, size)
		around := finding.NewText(content[from:to])
		m.Context = &around
	}
	return m
}

// meta is what a rule says about itself and about where it applies.
type meta struct {
	description, author, date, id string
	references, falsePositives    []string
	score                         int
	scope                         string // "memory" or "file"; else any
	limit                         string // the one module the rule is for
}

func readMeta(entries []yara.Meta) meta {
	m := meta{score: defaultScore}
	for _, e := range entries {
		text := metaText(e.Value)
		switch strings.ToLower(e.Identifier) {
		case "description":
			m.description = text
		case "author":
			m.author = text
		case "date", "creation_date":
			m.date = text
		case "id":
			m.id = text
		case "reference", "references":
			m.references = appendMeta(m.references, text)
		case "falsepositive", "falsepositives":
			m.falsePositives = appendMeta(m.falsePositives, text)
		case "score":
			if n, err := strconv.Atoi(text); err == nil {
				m.score = n
			}
		case "type":
			m.scope = strings.ToLower(text)
		case "limit":
			m.limit = text
		}
	}
	return m
}

// appliesTo tells whether the rule is meant for this sort of object.
func (m meta) appliesTo(o *scanner.Object) bool {
	if m.limit != "" && !strings.EqualFold(m.limit, o.Module) {
		return false
	}
	return m.scope != "memory" || o.File == nil
}

func metaText(value any) string {
	text := fmt.Sprint(value)
	return finding.PathText(text[:min(len(text), maxMeta)])
}

func appendMeta(list []string, text string) []string {
	if len(list) == maxMetaEntries {
		return list
	}
	return append(list, text)
}
