package action

import (
	"context"
	"crypto/sha1" //nolint:gosec // Ansible's checksum of a file
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"thordeploy/internal/bundle"
)

// copySpec is ansible.builtin.copy. A tree goes as one tar stream of what
// differs; a single file under a name of its own until it is whole.
func copySpec() *Spec {
	return &Spec{
		Name: "copy",
		Params: []Param{
			{Name: "src", Type: Path, Doc: "local file or folder; a folder with / at its end means its contents"},
			{Name: "content", Type: Raw, JSON: true, Doc: "text to write, instead of src"},
			{Name: "dest", Type: Path, Required: true, Doc: "where on the host"},
			{Name: "mode", Type: Mode, Choices: []string{"preserve"}, Doc: "permissions of files; without it a tree keeps its executable bits"},
			{Name: "directory_mode", Type: Mode, Choices: []string{"preserve"}, Doc: "permissions of folders that are made"},
			{Name: "owner", Type: String, Doc: "account that owns what is copied"},
			{Name: "group", Type: String, Doc: "group that owns what is copied"},
			{Name: "force", Aliases: []string{"thirsty"}, Type: Bool, Default: true, Doc: "no: only what is missing is copied"},
			{Name: "backup", Type: Bool, Default: false, Doc: "keep what is replaced beside it, with the time in its name"},
			{Name: "validate", Type: String, Doc: "command that must accept a file (%s) before it is put in place"},
			{Name: "checksum", Type: String, Doc: "SHA-1 that the source must have"},
			{Name: "remote_src", Type: Bool, Default: false, Doc: "src is on the host"},
			{Name: "follow", Type: Bool, Default: false, Doc: "write through a symlink at dest"},
			{Name: "local_follow", Type: Bool, Default: true, Doc: "send what symlinks in src point to"},
		},
		Exclusive: [][]string{{"src", "content"}},
		OneOf:     [][]string{{"src", "content"}},
		Doc:       "Copy files and folders to the host.",
		Run:       runCopy,
	}
}

// copying is one copy to one host.
type copying struct {
	call     *Call
	src      string // as looked up, empty for content
	content  []byte
	tree     *bundle.Tree // nil for content
	dest     string
	ram      string // the play's RAM drive that holds dest, empty: none
	ramSize  int64
	force    bool
	follow   bool
	mode     string
	dirMode  string
	owner    string // OWNER:GROUP as chown takes it
	validate []string
	note     string      // a remark for the result
	from     string      // the template that content was made of
	fromMode fs.FileMode // its mode
}

func runCopy(ctx context.Context, c *Call) Result {
	cp, err := newCopying(c)
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	switch {
	case c.Args.Bool("remote_src") && cp.content == nil:
		return cp.remote(ctx)
	case cp.content != nil:
		return cp.file(ctx)
	}
	if err := cp.open(); err != nil {
		return failed(err.Error(), hintOf(err))
	}
	if cp.tree.Single {
		return cp.file(ctx)
	}
	return cp.folder(ctx)
}

func newCopying(c *Call) (*copying, error) {
	a := c.Args
	cp := &copying{
		call: c, dest: a.Str("dest"), force: a.Bool("force"), follow: a.Bool("follow"),
		mode: a.Str("mode"), dirMode: a.Str("directory_mode"), owner: ownerAndGroup(a),
	}
	if cp.dest == "" {
		return nil, errors.New("dest is empty")
	}
	if v := a.Str("validate"); v != "" {
		words, err := splitWords(v)
		if err != nil {
			return nil, fmt.Errorf("validate: %w", err)
		}
		if !strings.Contains(v, "%s") {
			return nil, &typeError{text: fmt.Sprintf("validate must contain %%s: %q", shorten(v)), hint: "%s stands for the file to check"}
		}
		cp.validate = words
	}
	if a.Has("content") {
		text, err := contentText(a.Raw("content"))
		if err != nil {
			return nil, err
		}
		cp.content = text
		if strings.HasSuffix(cp.dest, "/") {
			return nil, &typeError{text: "content can't be written to a folder: " + cp.dest, hint: "name the file: " + cp.dest + "NAME"}
		}
	}
	cp.ram, cp.ramSize = ramDrive(c.RAMSizes, cp.dest)
	return cp, nil
}

// contentText is a string as it is, anything else as JSON, as Ansible has it.
func contentText(v any) ([]byte, error) {
	switch x := v.(type) {
	case string:
		return []byte(x), nil
	case map[string]any, []any:
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(x); err != nil {
			return nil, fmt.Errorf("content: %w", err)
		}
		return pythonJSON(strings.TrimSuffix(b.String(), "\n")), nil
	}
	s, err := toString(v)
	if err != nil {
		return nil, fmt.Errorf("content %w", err)
	}
	return []byte(s), nil
}

// pythonJSON spells JSON as Python's json.dumps does, so that a file is the one
// that Ansible would have made: blanks after , and :, letters beyond ASCII as
// \uXXXX, <, > and & as they are.
func pythonJSON(text string) []byte {
	var out []byte
	quoted, escaped := false, false
	for _, r := range text {
		switch {
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		case r > 0x7f:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, byte(r))
		}
		if !quoted && (r == ',' || r == ':') {
			out = append(out, ' ')
		}
		if r == '"' && !escaped {
			quoted = !quoted
		}
		escaped = r == '\\' && !escaped
	}
	return out
}

func ownerAndGroup(a Args) string {
	owner, group := a.Str("owner"), a.Str("group")
	if group == "" {
		return owner
	}
	return owner + ":" + group
}

// ramDrive finds the RAM drive of the play that holds dest.
func ramDrive(sizes map[string]int64, dest string) (mountPoint string, size int64) {
	dest = path.Clean(dest)
	for p, n := range sizes {
		if (dest == p || strings.HasPrefix(dest, strings.TrimSuffix(p, "/")+"/")) && len(p) > len(mountPoint) {
			mountPoint, size = p, n
		}
	}
	return mountPoint, size
}

// open finds and packs src.
func (cp *copying) open() error {
	src := cp.call.Args.Str("src")
	at, err := cp.call.Local.find(src, "files")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			text := fmt.Sprintf("there is no %s to copy", src)
			if filepath.IsAbs(src) {
				text += " on this machine"
			} else {
				text = strings.TrimSuffix(err.Error(), ": "+fs.ErrNotExist.Error())
			}
			return &typeError{text: text, hint: "put the files there, or name their place in src (a built-in playbook's: -e pack=FOLDER; for files on the host: remote_src: true)"}
		}
		return fmt.Errorf("looking for %s: %w", src, err)
	}
	cp.src = at
	if cp.call.Args.Bool("local_follow") {
		cp.tree, err = cp.call.Trees.TreeFollowing(at)
	} else {
		cp.tree, err = cp.call.Trees.Tree(at)
	}
	if err != nil {
		return err
	}
	if !cp.tree.Single && emptyTree(cp.tree) {
		return &typeError{text: fmt.Sprintf("the folder %s is empty: there is nothing to copy", cp.tree.Root), hint: "put the files there, or name another folder in src"}
	}
	if want := cp.call.Args.Str("checksum"); want != "" && cp.tree.Single && !strings.EqualFold(want, cp.tree.Entries[0].SHA1) {
		return fmt.Errorf("the checksum of %s is %s, the task asks for %s", cp.tree.Root, cp.tree.Entries[0].SHA1, want)
	}
	return nil
}

func emptyTree(t *bundle.Tree) bool {
	return len(t.Entries) == 0 || len(t.Entries) == 1 && t.Entries[0].Path == "."
}

// payload is a single file's bytes and what is known of them.
type payload struct {
	size   int64
	sha256 string
	sha1   string
	mode   fs.FileMode // 0: content
	write  func(io.Writer) error
}

func (cp *copying) payload() payload {
	if cp.tree == nil {
		one, two := sha1.Sum(cp.content), sha256.Sum256(cp.content) //nolint:gosec // see above
		return payload{
			size: int64(len(cp.content)), sha1: hex.EncodeToString(one[:]), sha256: hex.EncodeToString(two[:]), mode: cp.fromMode,
			write: func(w io.Writer) error { _, err := w.Write(cp.content); return err },
		}
	}
	e := cp.tree.Entries[0]
	return payload{
		size: e.Size, sha1: e.SHA1, sha256: e.SHA256, mode: e.Mode,
		write: func(w io.Writer) error { return cp.call.Trees.WriteFile(w, cp.tree, 0) },
	}
}
