package action

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// slurpSpec is ansible.builtin.slurp, for files up to maxSlurp.
func slurpSpec() *Spec {
	return &Spec{
		Name:   "slurp",
		Params: []Param{{Name: "src", Aliases: []string{"path"}, Type: Path, Required: true, Doc: "the file on the host, of at most 16 MiB"}},
		Doc:    "Read a file of the host into a result, as base64.",
		Run:    runSlurp,
	}
}

// maxSlurp bounds what slurp holds in memory: a result stays there to the end
// of the run, a third larger as base64.
const maxSlurp = 16 << 20

func runSlurp(ctx context.Context, c *Call) Result {
	s, err := slurp(ctx, c, c.Args.Str("src"), maxSlurp)
	if err != nil {
		return broken(err)
	}
	switch s.word {
	case "file":
	case "missing":
		return failed("file not found: "+s.path, "")
	case "unreadable":
		return failed("file is not readable: "+s.path, "run the task with become: true, as an account that may read it")
	case "folder":
		return failed("source is a directory and must be a file: "+s.path, "")
	default:
		return failed("source is not a regular file: "+s.path, "")
	}
	if s.over {
		return failed(fmt.Sprintf("%s is larger than %s, which is the most that slurp reads", s.path, bytesText(maxSlurp)), "fetch brings a file of any size here")
	}
	return Result{Values: map[string]any{"content": base64.StdEncoding.EncodeToString(s.content), "encoding": "base64", "source": s.path}}
}

// slurped is a file of a host, read whole.
type slurped struct {
	word    string // file, missing, folder, special, unreadable
	path    string // with ~ replaced, valid UTF-8
	given   string // path, byte for byte
	real    string // absolute, with no symlink in it; of a missing file, where it would be
	umask   uint32
	at      found // of a file
	content []byte
	over    bool // there is more than was asked for; content is cut off
}

// slurp reads a file in one round trip. The error is of the way to the host or
// of what it said; a file that isn't there or can't be read is none.
func slurp(ctx context.Context, c *Call, src string, limit int) (slurped, error) {
	return slurpStream(ctx, c, src, strconv.Itoa(limit+1), func(s *slurped, r io.Reader) error {
		var err error
		s.content, err = io.ReadAll(io.LimitReader(r, int64(limit)+1))
		if s.over = len(s.content) > limit; s.over {
			s.content = s.content[:limit]
		}
		return err
	})
}

// slurpStream hands a file's first bytes (limit -1: all) to read.
func slurpStream(ctx context.Context, c *Call, src, limit string, read func(*slurped, io.Reader) error) (slurped, error) {
	var s slurped
	ended, err := streamHalf(ctx, c, "slurp", []string{src, limit}, nil, func(r io.Reader) error {
		in := bufio.NewReaderSize(r, 64<<10)
		line, err := in.ReadSlice('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil // what the host's shell said tells more
			}
			return fmt.Errorf("the host sent no header: %w", err)
		}
		if err := s.readHeader(strings.Fields(string(line))); err != nil {
			return err
		}
		return read(&s, in)
	})
	switch {
	case err != nil:
		return s, fmt.Errorf("reading %s: %w", text8(src), err)
	case s.word == "" || ended.code != 0:
		return s, fmt.Errorf("reading %s: the host's shell ended with exit status %d: %s", text8(src), ended.code, strings.TrimSpace(text8(ended.stderr)))
	}
	return s, nil
}

// readHeader reads "WORD PATH REAL UMASK" and, of a file, "MODE UID GID OWNER
// GROUP SIZE"; the paths are hex.
func (s *slurped) readHeader(w []string) error {
	if len(w) < 4 {
		return fmt.Errorf("the host sent a header that can't be read: %q", shorten(text8(strings.Join(w, " "))))
	}
	p, err1 := hex.DecodeString(w[1])
	at, err2 := hex.DecodeString(w[2])
	mask, err3 := strconv.ParseUint(w[3], 8, 32)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("the host sent a header that can't be read: %w", err)
	}
	s.word, s.path, s.given, s.real, s.umask = w[0], text8(string(p)), string(p), string(at), uint32(mask)&0o777
	if strings.ContainsRune(s.real, 0) || !strings.HasPrefix(s.real, "/") {
		return fmt.Errorf("the host named %q, which is no absolute path", s.real)
	}
	if s.word == "file" {
		s.at.kind = 'f'
		s.at.readAt(strings.Join(w[4:], " "))
	}
	return nil
}
