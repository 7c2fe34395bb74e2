package finding

import (
	"encoding/hex"
	"time"
)

// Subject is the object an assessment speaks of. [File] and [Process] are those
// this scanner writes; [Unknown] stands for every other when reading.
type Subject interface {
	// SubjectType is the record's "type": "file", "process".
	SubjectType() string
	// SubjectName is what a person calls the object: a file's path, a
	// process's name. It may hold anything: see [Printable].
	SubjectName() string
}

// File is the subject of a finding about a file.
type File struct {
	Type         string       `json:"type"` // "file"
	Path         string       `json:"path"` // valid UTF-8: see [PathText]
	Exists       string       `json:"exists"`
	Extension    string       `json:"extension"` // lower case, with its dot
	MagicHeader  string       `json:"magic_header,omitempty"`
	Hashes       *Hashes      `json:"hashes,omitempty"`
	FirstBytes   *FirstBytes  `json:"first_bytes,omitempty"`
	FileTimes    *FileTimes   `json:"file_times,omitempty"`
	Size         int64        `json:"size,omitempty"`
	Permissions  *Permissions `json:"permissions,omitempty"`
	Target       string       `json:"target,omitempty"`
	UnpackSource []string     `json:"unpack_source,omitempty"`
}

// NewFile returns a file subject; path may be any bytes.
func NewFile(path string) *File {
	return &File{Type: "file", Path: PathText(path), Exists: "yes"}
}

// SubjectType returns "file".
func (f *File) SubjectType() string { return "file" }

// SubjectName returns the path.
func (f *File) SubjectName() string { return f.Path }

// Hashes are the digests of a file's content, lower-case hex.
type Hashes struct {
	MD5    string `json:"md5"`
	SHA1   string `json:"sha1"`
	SHA256 string `json:"sha256"`
}

// FirstBytes is the beginning of a file.
type FirstBytes struct {
	Hex   string `json:"hex"`
	ASCII string `json:"ascii"` // the printable ASCII of it
}

// NewFirstBytes returns the first 20 bytes of content, nil if it is empty.
func NewFirstBytes(content []byte) *FirstBytes {
	if len(content) == 0 {
		return nil
	}
	head := content[:min(len(content), 20)]
	var ascii []byte
	for _, c := range head {
		if c >= 0x20 && c <= 0x7e {
			ascii = append(ascii, c)
		}
	}
	return &FirstBytes{Hex: hex.EncodeToString(head), ASCII: string(ascii)}
}

// FileTimes are a file's times; nil where the filesystem doesn't keep one.
type FileTimes struct {
	Modified time.Time  `json:"modified"`
	Accessed *time.Time `json:"accessed,omitempty"`
	Changed  *time.Time `json:"changed,omitempty"`
	Created  *time.Time `json:"created,omitempty"`
}

// Permissions are a file's owner, group and mode bits.
type Permissions struct {
	Type  string `json:"type"` // "Unix permissions"
	Owner string `json:"owner"`
	Group string `json:"group"`
	Mask  Mask   `json:"mask"`
}

// Mask is the nine permission bits.
type Mask struct {
	User  Access `json:"user"`
	Group Access `json:"group"`
	World Access `json:"world"`
}

// Access is three permission bits.
type Access struct {
	Readable   bool `json:"readable"`
	Writable   bool `json:"writable"`
	Executable bool `json:"executable"`
}

// NewPermissions takes the nine low bits of mode.
func NewPermissions(owner, group string, mode uint32) *Permissions {
	access := func(bits uint32) Access {
		return Access{Readable: bits&4 != 0, Writable: bits&2 != 0, Executable: bits&1 != 0}
	}
	return &Permissions{
		Type: "Unix permissions", Owner: PathText(owner), Group: PathText(group),
		Mask: Mask{User: access(mode >> 6), Group: access(mode >> 3), World: access(mode)},
	}
}

// String returns the mask in the form of ls -l: "rwxr-x---".
func (m Mask) String() string {
	out := make([]byte, 0, 9)
	for _, a := range []Access{m.User, m.Group, m.World} {
		for i, set := range []bool{a.Readable, a.Writable, a.Executable} {
			if set {
				out = append(out, "rwx"[i])
			} else {
				out = append(out, '-')
			}
		}
	}
	return string(out)
}

// Unknown is a subject of a type that this package has no fields for.
type Unknown struct {
	Type   string
	Fields map[string]any // the whole object as encoding/json reads it
}

// SubjectType returns the object's "type".
func (u *Unknown) SubjectType() string { return u.Type }

// SubjectName returns the object's path or name, empty if it has neither.
func (u *Unknown) SubjectName() string {
	for _, key := range []string{"path", "name", "file", "command"} {
		if s, ok := u.Fields[key].(string); ok && s != "" {
			return s
		}
	}
	return ""
}
