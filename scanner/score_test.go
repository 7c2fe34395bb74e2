package scanner

import (
	"testing"

	"thordeploy/scanner/finding"
)

func TestScore(t *testing.T) {
	for _, c := range []struct {
		subscores []int
		want      int
		level     finding.Level
	}{
		{nil, 0, finding.Info},
		{[]int{39}, 39, finding.Info},
		{[]int{40}, 40, finding.Notice},
		{[]int{59}, 59, finding.Notice},
		{[]int{60}, 60, finding.Warning},
		{[]int{80}, 80, finding.Warning},
		{[]int{81}, 81, finding.Alert},
		{[]int{75, 75}, 84, finding.Warning},     // 100·(1−0.25·0.625): no subscore above 75
		{[]int{40, 76}, 81, finding.Alert},       // 100·(1−0.24·0.8), whatever the order
		{[]int{60, 60, 60}, 76, finding.Warning}, // 100·(1−0.4·0.7·0.85)
		{[]int{400, 75}, 100, finding.Alert},     // rules in the field go beyond 100
		{[]int{-50, 60}, 60, finding.Warning},    // and below 0
		{[]int{70, 70, 70, 70}, 85, finding.Warning},
	} {
		got := Score(c.subscores)
		if level := LevelOf(got, c.subscores); got != c.want || level != c.level {
			t.Errorf("%v: score %d, %s; want %d, %s", c.subscores, got, level, c.want, c.level)
		}
	}
}
