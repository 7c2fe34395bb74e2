package runner

import "encoding/binary"

// position is where in a play a host is, comparable as text: four bytes a
// step, outermost first. Its steps are a section, then a task's Order; for
// what an include brought, the place of the include, the item of its loop, and
// again a task's Order. A task comes before what it brings, and that before
// the task after it.
type position string

// The sections of a play, in the order that hosts go through them.
const (
	atFacts = iota
	atPreTasks
	atPreHandlers
	atRoles
	atTasks
	atHandlers
	atPostTasks
	atPostHandlers
)

// in is the position of step n inside p.
func (p position) in(n int) position {
	return position(binary.BigEndian.AppendUint32([]byte(p), uint32(n)+1<<31)) // Order -1, facts, is before 0
}
