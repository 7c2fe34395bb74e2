package guest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Process is one process of a host.
type Process struct {
	PID   int
	PPID  int
	SID   int      // session
	State string   // one letter, as in proc(5): "S" sleeps, "T" is stopped
	Name  string   // comm
	Args  []string // command line; empty for a zombie
	Start uint64   // clock ticks after boot: with PID it names the process for good
}

// Mount is one entry of a host's mount table.
type Mount struct {
	ID      int // unique among the mounts there are
	Path    string
	Type    string // "ramfs"
	Source  string
	Options string // per mount and of the file system: "rw,relatime,size=60m"
}

// Snapshot is what is on a host at one time. Process 1 and the SSH server are
// left out; the server's sessions aren't.
type Snapshot struct {
	Processes []Process
	Mounts    []Mount
	Files     []string // paths below the host's own folders (/mnt, /tmp, /root …), sorted
}

// Diff lists what came and what went from s to after, one line each, such as
// "+ mount ramfs on /mnt/temp_ram" or "- file /tmp/seed". That a process ended
// is no difference: sessions do, in their own time.
func (s *Snapshot) Diff(after *Snapshot) []string {
	before, then := s.lines(), after.lines()
	var diff []string
	for key, line := range then {
		if _, ok := before[key]; !ok {
			diff = append(diff, "+ "+line)
		}
	}
	for key, line := range before {
		if _, ok := then[key]; !ok && !strings.HasPrefix(key, "process ") {
			diff = append(diff, "- "+line)
		}
	}
	slices.Sort(diff)
	return diff
}

// lines maps what identifies each thing to how a person reads it.
func (s *Snapshot) lines() map[string]string {
	lines := map[string]string{}
	for _, p := range s.Processes {
		command := strings.Join(p.Args, " ")
		if command == "" {
			command = "[" + p.Name + "]"
		}
		lines[fmt.Sprintf("process %d %d", p.PID, p.Start)] = fmt.Sprintf("process %d (%s) %s", p.PID, p.State, command)
	}
	for _, m := range s.Mounts {
		lines[fmt.Sprintf("mount %d %s", m.ID, m.Path)] = fmt.Sprintf("mount %s on %s", m.Type, m.Path)
	}
	for _, f := range s.Files {
		lines["file "+f] = "file " + f
	}
	return lines
}

// listProcesses reads /proc, leaving out process 1 and the SSH server.
func listProcesses(server int) ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var processes []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == 1 || pid == server {
			continue
		}
		p, err := readProcess(pid)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // ended meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("listing processes: %w", err)
		}
		processes = append(processes, p)
	}
	return processes, nil
}

func readProcess(pid int) (Process, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Process{}, err
	}
	p, err := parseStat(string(stat))
	if err != nil {
		return Process{}, err
	}
	cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return Process{}, err
	}
	for arg := range bytes.SplitSeq(bytes.TrimRight(cmdline, "\x00"), []byte{0}) {
		if len(arg) > 0 || len(p.Args) > 0 {
			p.Args = append(p.Args, string(arg))
		}
	}
	return p, nil
}

// parseStat reads a line of /proc/PID/stat (proc(5)). The name stands in
// parentheses and may hold any character, parentheses too.
func parseStat(line string) (Process, error) {
	open, shut := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || shut < open {
		return Process{}, fmt.Errorf("no process name in %q", line)
	}
	fields := strings.Fields(line[shut+1:])
	if len(fields) < 20 {
		return Process{}, fmt.Errorf("too few fields in %q", line)
	}
	p := Process{Name: line[open+1 : shut], State: fields[0]}
	for _, f := range []struct {
		text string
		into *int
	}{{strings.TrimSpace(line[:open]), &p.PID}, {fields[1], &p.PPID}, {fields[3], &p.SID}} {
		n, err := strconv.Atoi(f.text)
		if err != nil {
			return Process{}, fmt.Errorf("no number in %q: %w", line, err)
		}
		*f.into = n
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return Process{}, fmt.Errorf("no start time in %q: %w", line, err)
	}
	p.Start = start
	return p, nil
}

// runningThreads names every thread that is neither stopped nor dead, except
// those of process 1.
func runningThreads() ([]string, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("listing threads: %w", err)
	}
	var running []string
	for _, path := range paths {
		if strings.HasPrefix(path, "/proc/1/") {
			continue
		}
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		p, err := parseStat(string(stat))
		if err != nil {
			return nil, fmt.Errorf("listing threads: %w", err)
		}
		if !strings.Contains("TtZXx", p.State) {
			running = append(running, fmt.Sprintf("%d (%s)", p.PID, p.Name))
		}
	}
	return running, nil
}

func listMounts() ([]Mount, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("listing mounts: %w", err)
	}
	var mounts []Mount
	for line := range strings.Lines(string(table)) {
		m, err := parseMount(line)
		if err != nil {
			return nil, fmt.Errorf("listing mounts: %w", err)
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// parseMount reads a line of /proc/PID/mountinfo (proc(5)).
func parseMount(line string) (Mount, error) {
	head, tail, ok := strings.Cut(line, " - ")
	first, last := strings.Fields(head), strings.Fields(tail)
	if !ok || len(first) < 6 || len(last) < 2 {
		return Mount{}, fmt.Errorf("not a mountinfo line: %q", line)
	}
	id, err := strconv.Atoi(first[0])
	if err != nil {
		return Mount{}, fmt.Errorf("not a mountinfo line: %q: %w", line, err)
	}
	m := Mount{ID: id, Path: unescape(first[4]), Type: last[0], Options: first[5]}
	// The source may be empty, and then the options come in its place.
	if len(last) > 2 {
		m.Source = unescape(last[1])
	}
	m.Options += "," + last[len(last)-1]
	return m, nil
}

// unescape undoes the octal escapes of mount tables: \040 is a space.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// filesLimit bounds a snapshot of a host that a test has filled.
const filesLimit = 20_000

// listFiles lists what is below the host's own folders, except its log.
func listFiles() ([]string, error) {
	var files []string
	for _, folder := range ownFolders {
		if folder.path == "/var/log" {
			continue
		}
		err := filepath.WalkDir(folder.path, func(path string, _ fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // no such folder on this machine, or removed meanwhile
			}
			if err != nil {
				return err
			}
			if len(files) >= filesLimit {
				return filepath.SkipAll
			}
			if path != folder.path {
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("listing the files of %s: %w", folder.path, err)
		}
	}
	slices.Sort(files)
	return files, nil
}
