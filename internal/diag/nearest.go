package diag

import (
	"strings"
	"unicode/utf8"
)

// maxWord bounds the words that are compared, in bytes: nobody mistypes more.
const maxWord = 64

// Nearest gives the candidate that word was probably meant to be, or "" when
// none is close: at most one slip (a letter more, less, changed or swapped
// with its neighbour) for every three letters, and at least one. Case doesn't
// count; of equally near candidates the alphabetically first wins.
func Nearest(word string, candidates []string) string {
	if word == "" || len(word) > maxWord {
		return ""
	}
	lower := strings.ToLower(word)
	limit := max(1, utf8.RuneCountInString(word)/3)
	best, bestAt := "", limit+1
	for _, c := range candidates {
		if c == "" || c == word || len(c) > maxWord {
			continue
		}
		d := distance(lower, strings.ToLower(c))
		// A change of every letter isn't a slip, however short the words are.
		if d >= utf8.RuneCountInString(c) || d >= utf8.RuneCountInString(word) {
			continue
		}
		if d < bestAt || d == bestAt && best != "" && c < best {
			best, bestAt = c, d
		}
	}
	return best
}

// DidYouMean is the hint for a misspelt word: "did you mean `command`?", or ""
// when no candidate is close.
func DidYouMean(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return "did you mean `" + n + "`?"
	}
	return ""
}

// distance is the Damerau-Levenshtein distance with adjacent transpositions
// (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, above, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(y)]
}
