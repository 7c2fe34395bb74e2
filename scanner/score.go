package scanner

import (
	"math"
	"slices"

	"thordeploy/scanner/finding"
)

// Score folds subscores, each of 0 to 100, into one: with s in descending
// order it is 100·(1−∏(1−sᵢ/100/2ⁱ)), i from 0, rounded to the nearest whole
// number. One signature alone keeps its score; each further one adds half as
// much as the one before it. Values outside 0 to 100, which rules in the field
// have, count as the nearest bound.
func Score(subscores []int) int {
	sorted := slices.Clone(subscores)
	slices.Sort(sorted)
	slices.Reverse(sorted)
	rest, weight := 1.0, 1.0
	for _, s := range sorted {
		rest *= 1 - float64(min(max(s, 0), 100))/100*weight
		weight /= 2
	}
	return int(math.Round(100 * (1 - rest)))
}

// LevelOf returns the level of a score: Notice from 40, Warning from 60, Alert
// from 81 if at least one subscore is above 75, so that many weak signs alone
// don't raise an Alert. A score below 40 is Info.
func LevelOf(score int, subscores []int) finding.Level {
	switch {
	case score >= 81 && slices.ContainsFunc(subscores, func(s int) bool { return s > 75 }):
		return finding.Alert
	case score >= 60:
		return finding.Warning
	case score >= 40:
		return finding.Notice
	}
	return finding.Info
}
