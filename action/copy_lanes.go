package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"thordeploy/internal/bundle"
	"thordeploy/transport"
)

const (
	// laneWindow is what an SSH server takes of a stream before it is told to
	// go on (OpenSSH: 64 packets of 32 KiB): a stream can't be faster than
	// that a round trip.
	laneWindow = 2 << 20
	// maxLanes leaves room below MaxSessions (10) for the held shells.
	maxLanes = 4
	// laneRTT is the round trip from which on a window is what slows a stream.
	laneRTT = 20 * time.Millisecond
)

// outgoing is what a plan sends, for the lanes that send it: streams of tar
// beside each other, each taking the next file when it is through with one.
type outgoing struct {
	copying *copying
	plan    []step
	head    []int // what one lane sends ahead: folders and symlinks
	bytes   int64

	mu    sync.Mutex
	files []int
	led   bool // a lane has taken the head
	stop  bool // a lane failed
}

func (cp *copying) outgoing(plan []step) *outgoing {
	o := &outgoing{copying: cp, plan: plan}
	for i, s := range plan {
		e := cp.tree.Entries[i]
		switch {
		case !s.send || e.Path == ".":
		case e.Mode.IsRegular():
			o.files = append(o.files, i)
			o.bytes += e.Size
		default:
			o.head = append(o.head, i)
		}
	}
	return o
}

// count is how many lanes pay: one but on a long way, where a stream waits for
// its window. A folder that its owner can't write to must not get its mode
// while another lane still fills it.
func (o *outgoing) count(rtt time.Duration) int {
	for _, i := range o.head {
		if o.copying.tree.Entries[i].Mode.IsDir() && o.plan[i].mode&0o300 != 0o300 {
			return 1
		}
	}
	if rtt < laneRTT {
		return 1
	}
	return max(1, min(maxLanes, len(o.files), int(o.bytes/laneWindow)))
}

// next gives a lane its next file.
func (o *outgoing) next() (int, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stop || len(o.files) == 0 {
		return 0, false
	}
	i := o.files[0]
	o.files = o.files[1:]
	return i, true
}

// lead gives the lane that begins first what goes ahead.
func (o *outgoing) lead() []int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.led {
		return nil
	}
	o.led = true
	return o.head
}

func (o *outgoing) halt() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stop = true
}

// write is one lane's archive.
func (o *outgoing) write(w io.Writer, codec bundle.Codec) error {
	if _, err := io.WriteString(w, codecLine(codec)); err != nil {
		return err
	}
	a := o.copying.call.Trees.Stream(w, o.copying.tree, codec)
	for _, i := range o.lead() {
		if err := a.Add(i, fileMode(o.plan[i].mode)); err != nil {
			return err
		}
	}
	for {
		i, ok := o.next()
		if !ok {
			return a.Close()
		}
		if err := a.Add(i, fileMode(o.plan[i].mode)); err != nil {
			return err
		}
	}
}

// codecLine is what a program of the host reads first of a stream, a line:
// the program that undoes its compression.
func codecLine(c bundle.Codec) string {
	if c == bundle.Plain {
		return "cat\n"
	}
	return string(c) + "\n"
}

// run sends all of it. The Result is the first lane's that failed.
func (o *outgoing) run(ctx context.Context, p *probe) Result {
	codec := o.copying.codec(p, o.bytes)
	n, ahead := 1, int64(0)
	if g := transport.GaugeOf(o.copying.call.Shell.Conn()); g != nil && !o.copying.call.Shell.Shared() {
		n = o.count(g.RTT())
		if p.checkpoint {
			ahead = paceFor(g.RTT())
		}
	}
	line := o.copying.unpackLine(p, ahead > 0)
	if n > 1 { // the largest first, so that the lanes end together
		slices.SortStableFunc(o.files, func(a, b int) int {
			return int(o.copying.tree.Entries[b].Size - o.copying.tree.Entries[a].Size)
		})
	}
	results, refused := make([]Result, n), make([]bool, n)
	var lanes sync.WaitGroup
	for k := range n {
		lanes.Go(func() {
			begun := false
			var heed func(io.Reader) error
			pace := newPacer(ahead)
			if ahead > 0 {
				heed = pace.heed
			}
			s, err := streamLine(ctx, o.copying.call, line, func(w io.Writer) error {
				begun = true
				c := codec()
				if pace.w = w; ahead > 0 && c == bundle.Plain {
					w = pace
				}
				return o.write(w, c)
			}, heed)
			refused[k] = !begun && refusedChannel(err)
			if results[k] = o.copying.sent(p, s, err); results[k].Failed && !refused[k] {
				o.halt()
			}
		})
	}
	lanes.Wait()
	for k, r := range results { // the other lanes carried the share of one that was refused
		if r.Failed && (!refused[k] || !slices.Contains(refused, false)) {
			return r
		}
	}
	return Result{}
}

// refusedChannel reports whether a host lets no further command start beside
// those that run.
func refusedChannel(err error) bool {
	var te *transport.Error
	return errors.As(err, &te) && te.Phase == transport.PhaseChannel
}

// makeFolders is shell text: make FOLDER MODE OWNER makes a folder and those
// above it that are missing, each with the mode and owner. Another lane may be
// at the same.
const makeFolders = `make(){ [ -d "$1/" ]||{ make "${1%/*}" "$2" "$3"&&{ mkdir -m "$2" -- "$1"||[ -d "$1/" ];}&&{ [ -z "$3" ]||chown -- "$3" "$1";};};};`

// unpack is shell text: unpacks standard input in the folder $1. It begins with
// a line that names the program to undo its compression.
func unpack(paced bool) string {
	return `IFS= read -r z&&cd -- "$1"&&if [ "$z" = cat ];then ` + tarCommand(paced) + `;else "$z" -dc|` + tarCommand(false) + `;fi`
}

// unpackLine makes the folder where it is missing, unpacks into it, and removes
// what it made where the stream doesn't come whole. One line without single
// quotes and exclamation marks, so that any login shell takes it.
func (cp *copying) unpackLine(p *probe, paced bool) string {
	words := []string{"/bin/sh", "-c", unpack(paced), "unpack", p.base}
	if p.missing {
		words[2] = makeFolders + `make "$1" "$2" "$3"&&` + unpack(paced) + `||{ s=$?;cd /;rm -rf -- "$4";exit $s;}`
		words = append(words, chmodText(cp.folderMode(p, rootEntry)), cp.owner, p.top)
	}
	return "exec " + transport.Quote(words...)
}

// sent says how a stream of files ended. The host's own words say more than a
// broken pipe.
func (cp *copying) sent(p *probe, s streamed, err error) Result {
	said := strings.TrimSpace(text8(s.stderr))
	switch {
	case err != nil:
		return broken(fmt.Errorf("copying to %s: %w", text8(p.base), err))
	case s.code != 0:
		msg := fmt.Sprintf("copying to %s failed on the host with exit status %d", text8(p.base), s.code)
		if said != "" {
			msg += ": " + said
		}
		return failed(msg, diskHint(said))
	case s.sent != nil:
		return failed(fmt.Sprintf("copying to %s: %v", text8(p.base), s.sent), "")
	}
	return Result{}
}

// halfway removes what a failed copy brought that was not there before, and
// says so. A host that is lost does it by itself for a folder that the copy
// made, since its unpacking ends with the stream.
func (cp *copying) halfway(ctx context.Context, p *probe, plan []step, r Result) Result {
	switch {
	case r.Lost != nil && p.missing:
		r.Msg += "; the host removes the folder that was being filled, " + text8(p.top)
		return r
	case r.Lost != nil:
		r.Msg += "; what had come by then stays at " + text8(p.base)
		return r
	}
	var fresh []string
	if p.missing {
		fresh = []string{p.top}
	} else {
		for i, s := range plan {
			k := p.entries[i].kind
			if s.send && cp.tree.Entries[i].Path != "." && (k == 0 || k == '-') {
				fresh = append(fresh, path.Join(p.base, cp.tree.Entries[i].Path))
			}
		}
	}
	// The task's own time may be over; the host is there.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTime)
	defer cancel()
	if bad := cp.attrs(ctx, attrArgs(nil, "discard", "-", fresh)); bad.Failed {
		r.Msg += "; what had come could not be removed: " + bad.Msg
		return r
	}
	r.Msg += "; what had come was removed again"
	if slices.ContainsFunc(p.entries, func(f found) bool { return f.kind == 'f' }) {
		r.Msg += ", a file that was to be replaced may be incomplete"
	}
	return r
}

// removeTime bounds the removal of what came half.
const removeTime = 10 * time.Second
