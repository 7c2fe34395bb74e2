package inventory

import (
	"fmt"
	"strconv"
	"strings"
)

// maxRange is how many hosts one pattern may stand for.
const maxRange = 100_000

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// hostRange is one [begin:end:step] with the text before it.
type hostRange struct {
	before           string
	alpha            bool
	begin, end, step int
	width            int // digits, zero-filled; 0: as they come
}

func (r hostRange) len() int { return (r.end-r.begin)/r.step + 1 }

func (r hostRange) item(i int) string {
	n := r.begin + i*r.step
	if r.alpha {
		return letters[n : n+1]
	}
	return fmt.Sprintf("%0*d", r.width, n)
}

// expandRanges gives the names that a pattern such as web[01:50].example.com
// or rack[a:c]-[1:9:2] stands for; the first range turns slowest. A pattern
// without a range is its own name.
func expandRanges(pattern string) (names []string, problem, hint string) {
	if !strings.ContainsAny(pattern, "[]") {
		return []string{pattern}, "", ""
	}
	var ranges []hostRange
	rest, total := pattern, 1
	for strings.Contains(rest, "[") {
		before, after, _ := strings.Cut(rest, "[")
		inside, tail, closed := strings.Cut(after, "]")
		if !closed || strings.Contains(before, "]") {
			return nil, "the brackets in `" + pattern + "` don't match", "a range is written [01:50], [a:c] or [1:9:2]"
		}
		r, problem, hint := parseRange(inside)
		if problem != "" {
			return nil, "in `" + pattern + "`: " + problem, hint
		}
		r.before = before
		ranges = append(ranges, r)
		rest = tail
		if r.len() > maxRange/total {
			return nil, fmt.Sprintf("`%s` stands for more than %d hosts", pattern, maxRange), "check the range; several smaller ones may be written instead"
		}
		total *= r.len()
	}
	if strings.Contains(rest, "]") {
		return nil, "the brackets in `" + pattern + "` don't match", "a range is written [01:50], [a:c] or [1:9:2]"
	}
	return spell(ranges, rest, total), "", ""
}

// spell writes out every combination.
func spell(ranges []hostRange, tail string, total int) []string {
	names := make([]string, 0, total)
	at := make([]int, len(ranges))
	for range total {
		var b strings.Builder
		for i, r := range ranges {
			b.WriteString(r.before)
			b.WriteString(r.item(at[i]))
		}
		b.WriteString(tail)
		names = append(names, b.String())
		for i := len(at) - 1; i >= 0; i-- {
			if at[i]++; at[i] < ranges[i].len() {
				break
			}
			at[i] = 0
		}
	}
	return names
}

// parseRange reads the inside of the brackets: begin:end or begin:end:step.
// An empty begin is 0; a begin with leading zeros sets the width.
func parseRange(inside string) (r hostRange, problem, hint string) {
	const how = "a range is written [01:50], [a:c] or [1:9:2]"
	parts := strings.Split(inside, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return r, "[" + inside + "] is not a range", how
	}
	r.step = 1
	if len(parts) == 3 {
		n, err := strconv.Atoi(parts[2])
		if err != nil || n < 1 {
			return r, "the step of range [" + inside + "] is not a number above 0", how
		}
		r.step = n
	}
	begin, end := parts[0], parts[1]
	if end == "" {
		return r, "range [" + inside + "] has no end", how
	}
	if begin == "" {
		begin = "0"
	}
	if isLetter(begin) && isLetter(end) {
		r.alpha = true
		r.begin, r.end = strings.Index(letters, begin), strings.Index(letters, end)
	} else {
		var err1, err2 error
		r.begin, err1 = bound(begin)
		r.end, err2 = bound(end)
		if err1 != nil || err2 != nil || r.begin < 0 || r.end < 0 || begin[0] == '+' || end[0] == '+' {
			return r, "the ends of range [" + inside + "] are neither two numbers nor two letters", how
		}
		if begin[0] == '0' && len(begin) > 1 {
			if r.width = len(begin); len(end) != r.width {
				return r, "the ends of range [" + inside + "] have different numbers of digits", "with leading zeros both ends need the same width: [" + begin + ":" + fmt.Sprintf("%0*d", r.width, r.end) + "]"
			}
		}
	}
	if r.begin > r.end {
		return r, "range [" + inside + "] ends before it begins", "write the smaller end first: [" + end + ":" + begin + "]"
	}
	return r, "", ""
}

// bound reads an end of a numeric range. What is absurdly large is cut off
// here so that no count overflows.
func bound(s string) (int, error) {
	if len(s) > 18 {
		return 0, strconv.ErrRange
	}
	return strconv.Atoi(s)
}

func isLetter(s string) bool { return len(s) == 1 && strings.Contains(letters, s) }
