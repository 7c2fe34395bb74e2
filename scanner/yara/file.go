package yara

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hillu/go-yara/v4"

	"thordeploy/scanner/finding"
)

// fileMagic begins a file of compiled rules. After it come a line of JSON (the
// header) and what libyara saves.
const fileMagic = "thorscan compiled rules 1\n"

// header describes the compiled rules that follow it.
type header struct {
	Rules   int       `json:"rules"`
	Files   int       `json:"files"`
	MD5     bool      `json:"md5,omitempty"`
	LeftOut []Problem `json:"left_out,omitempty"`
	SHA256  string    `json:"sha256"` // of the rest of the file: libyara trusts what it loads
}

// WriteFile saves the set, replacing path in one step.
func (s *Set) WriteFile(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing compiled rules to %s: %w", path, err)
		}
	}()
	var compiled bytes.Buffer
	if err := s.compiled.Write(&compiled); err != nil {
		return err
	}
	sum := sha256.Sum256(compiled.Bytes())
	head, err := json.Marshal(header{Rules: s.Rules, Files: s.Files, MD5: s.usesMD5, LeftOut: s.LeftOut, SHA256: hex.EncodeToString(sum[:])})
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".thor-*.yac")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone after the rename
	defer tmp.Close()
	if _, err := fmt.Fprintf(tmp, "%s%s\n", fileMagic, head); err != nil {
		return err
	}
	if _, err := compiled.WriteTo(tmp); err != nil {
		return err
	}
	// Rules are no secret: a scan by another user than the packer's reads them.
	if err := tmp.Chmod(0o644); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// Load reads a set that [Set.WriteFile] saved.
func Load(path string, origin finding.Origin) (*Set, error) {
	s, err := load(path, origin)
	if err != nil {
		return nil, fmt.Errorf("loading compiled rules from %s: %w", path, err)
	}
	return s, nil
}

func load(path string, origin finding.Origin) (*Set, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	magic := make([]byte, len(fileMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != fileMagic {
		return nil, fmt.Errorf("it was not written by \"thorscan signatures pack\" of this version")
	}
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("its header is cut off: %w", err)
	}
	var head header
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("its header: %w", err)
	}
	compiled, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(compiled); hex.EncodeToString(sum[:]) != head.SHA256 {
		return nil, fmt.Errorf("it is damaged: its digest is not the one in its header (copy it again)")
	}
	rules, err := yara.ReadRules(bytes.NewReader(compiled))
	if err != nil {
		return nil, err
	}
	return &Set{
		Origin: origin, Rules: head.Rules, Files: head.Files, LeftOut: head.LeftOut, Path: path,
		usesMD5: head.MD5, compiled: rules,
	}, nil
}

// unwrapPath takes the path out of an error that will be printed beside it.
func unwrapPath(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
