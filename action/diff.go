package action

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// maxDiff is the size above which contents aren't shown: Ansible's
// MAX_FILE_SIZE_FOR_DIFF.
const maxDiff = 104448

// side is one side of a diff: a file's contents, as far as they can be shown.
type side struct {
	header string
	text   []byte
	over   bool // it is larger than maxDiff
}

// contentChange is the diff of two contents, or the note why it isn't shown.
func contentChange(before, after side) Change {
	c := Change{BeforeHeader: before.header, AfterHeader: after.header}
	for _, s := range []struct {
		side
		word string
	}{{before, "destination"}, {after, "source"}} {
		switch {
		case s.over:
			c.Note = fmt.Sprintf("%s file size is greater than %d", s.word, maxDiff)
		case bytes.IndexByte(s.text, 0) >= 0:
			c.Note = s.word + " file appears to be binary"
		default:
			continue
		}
		return c
	}
	c.Before, c.After = text8(string(before.text)), text8(string(after.text))
	return c
}

// attributeChange is the diff of what is known of a path, as the module file
// has it: two mappings.
func attributeChange(before, after map[string]any) Change {
	return Change{Before: indentedJSON(before), After: indentedJSON(after)}
}

// indentedJSON spells a mapping as Ansible's output of diffs does.
func indentedJSON(m map[string]any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	if e.Encode(m) != nil { // texts and numbers alone can be encoded
		return ""
	}
	return b.String()
}

// standing is what stands at a path on the host, for a diff.
func standing(ctx context.Context, c *Call, at string) (side, Result) {
	s, err := slurp(ctx, c, at, maxDiff)
	switch {
	case err != nil:
		return side{}, broken(err)
	case s.word == "missing":
		return side{}, Result{}
	case s.word != "file":
		return side{}, failed(fmt.Sprintf("%s can't be read for the diff", text8(at)), "diff: false leaves it out")
	}
	return side{text8(at), s.content, s.over}, Result{}
}

// shown is a payload's contents, for a diff.
func (p payload) shown(header string) (side, error) {
	if p.size > maxDiff {
		return side{header: header, over: true}, nil
	}
	var b bytes.Buffer
	err := p.write(&b)
	return side{header: header, text: b.Bytes()}, err
}
