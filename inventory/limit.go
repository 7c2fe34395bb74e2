package inventory

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Limit keeps those of hosts that pattern names too, in their order: `--limit`.
// The pattern is as for [Inventory.Select]; [ReadLimit] has replaced @file
// terms before.
func (i *Inventory) Limit(hosts []*Host, pattern string) (kept []*Host, unknown []string, err error) {
	chosen, unknown, err := i.Select(pattern)
	if err != nil {
		return nil, nil, fmt.Errorf("--limit: %w", err)
	}
	names := make(map[string]bool, len(chosen))
	for _, h := range chosen {
		names[h.Name] = true
	}
	for _, h := range hosts {
		if names[h.Name] {
			kept = append(kept, h)
		}
	}
	return kept, unknown, nil
}

// maxLimitBytes bounds an @file.
const maxLimitBytes = 16 << 20

// ReadLimit replaces each @file term of a `--limit` pattern by the file's
// lines, one pattern a line; blank lines and lines that begin with `#` are
// left out. A pattern without @file comes back as it is.
func ReadLimit(pattern string) (string, error) {
	if !strings.Contains(pattern, "@") {
		return pattern, nil
	}
	var terms []string
	for _, term := range splitOuter(pattern, ',') {
		path, isFile := strings.CutPrefix(term, "@")
		if !isFile {
			terms = append(terms, term)
			continue
		}
		lines, err := limitLines(path)
		if err != nil {
			return "", fmt.Errorf("--limit %s: %w", term, err)
		}
		terms = append(terms, lines...)
	}
	return strings.Join(terms, ","), nil
}

func limitLines(path string) ([]string, error) {
	if path == "" {
		return nil, errors.New("a file's name is due after the @")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the file can't be opened: %w; check the path", errors.New(plainCause(err)))
	}
	if info.Size() > maxLimitBytes || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a file of %d MiB at most", maxLimitBytes>>20)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the file can't be read: %w", err)
	}
	var lines []string
	sc := bufio.NewScanner(strings.NewReader(string(data)))
	for sc.Scan() {
		if line := strings.TrimSpace(sc.Text()); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("the file can't be read: %w", err)
	}
	if len(lines) == 0 {
		return nil, errors.New("the file names no host")
	}
	return lines, nil
}
