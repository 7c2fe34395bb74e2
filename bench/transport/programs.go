package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"thordeploy/internal/lab"
)

const (
	packFiles = 11
	packBytes = 28 << 20
	// target is where the pack goes on a host: its disk, as these programs
	// have it.
	target = "/tmp/pack"
	own    = "thordeploy"
)

// program is one way to get a pack to a host: a shell line with $1 NAME, $2
// ADDRESS and $3 PORT, run for all hosts at once by xargs. OPTIONS are ssh's.
type program struct{ name, line string }

var programs = []program{
	{own, ""},
	{"tar | ssh", `tar cf - -C "$PACK" . | ssh $OPTIONS -p "$3" "root@$2" 'mkdir ` + target + ` && tar xf - -C ` + target + `'`},
	{"scp -r", `scp -q $OPTIONS -P "$3" -r "$PACK" "root@$2:` + target + `"`},
	{"rsync -a", `rsync -a -e "ssh $OPTIONS -p $3" "$PACK/" "root@$2:` + target + `/"`},
	{"sftp", `printf 'put -r %s ` + target + `\n' "$PACK" | sftp -q $OPTIONS -P "$3" -b - "root@$2"`},
}

const playbook = `
- hosts: all
  tasks:
    - copy: {src: "%s/", dest: ` + target + `}
`

// bench is one link's turn.
type bench struct {
	options
	dir  string
	pack string
	near *lab.Lab
	far  *lab.Linked
}

// makePack fills a folder: random bytes, or what compresses as rules and
// programs do, to about a third.
func makePack(dir, kind string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	source := rand.NewChaCha8([32]byte{1})
	for i := range packFiles {
		data := make([]byte, packBytes/packFiles)
		switch kind {
		case "random":
			_, _ = source.Read(data) // never fails
		case "rules":
			for at := 0; at < len(data); {
				at += copy(data[at:], fmt.Sprintf("rule r%d { strings: $a = { %016x } condition: $a at %d }\n", i, source.Uint64(), source.Uint64()%4096))
			}
		default:
			return fmt.Errorf("no pack of %q: there are random and rules", kind)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part%02d.bin", i)), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) writeInputs() error {
	return os.WriteFile(filepath.Join(b.dir, "copy.yml"), fmt.Appendf(nil, playbook, b.pack), 0o600)
}

// turn runs one program on all hosts at once, and checks and removes what it
// brought there.
func (b *bench) turn(ctx context.Context, p program) (time.Duration, error) {
	var cmd *exec.Cmd
	if p.name == own {
		cmd = exec.CommandContext(ctx, b.bin, "-f", fmt.Sprint(b.hosts), "-i", b.far.Inventory, "copy.yml")
	} else {
		var hosts bytes.Buffer
		for _, h := range b.far.Hosts {
			fmt.Fprintf(&hosts, "%s %s %d\n", h.Name, h.Addr, h.Port)
		}
		cmd = exec.CommandContext(ctx, "xargs", "-P", fmt.Sprint(b.hosts), "-L", "1", "sh", "-c", p.line, "sh")
		cmd.Stdin = &hosts
		cmd.Env = append(os.Environ(), "PACK="+b.pack, "OPTIONS=-F none -i "+b.far.Key+
			" -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=none -o UserKnownHostsFile="+b.far.KnownHosts)
	}
	var out bytes.Buffer
	cmd.Dir = b.dir
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out.String())
	}
	took := time.Since(begin)
	return took, b.check(ctx)
}

// passed is how many bytes went to the hosts so far.
func (b *bench) passed() int64 {
	var n int64
	for _, r := range b.far.Relays {
		up, _ := r.Passed()
		n += up
	}
	return n
}

// check compares what is on every host with the pack, then removes it.
func (b *bench) check(ctx context.Context) error {
	var want []string
	err := filepath.WalkDir(b.pack, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		sum := sha256.Sum256(data)
		want = append(want, hex.EncodeToString(sum[:])+"  ./"+d.Name())
		return err
	})
	if err != nil {
		return err
	}
	for _, h := range b.near.Hosts {
		out, err := h.Run(ctx, "cd "+target+" && sha256sum ./* && cd / && rm -rf "+target)
		if err != nil {
			return err
		}
		if got := strings.TrimSpace(string(out)); got != strings.Join(want, "\n") {
			return fmt.Errorf("%s holds something else than the pack:\n%s", h.Name, got)
		}
	}
	return nil
}
