package action

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
)

// tempfileSpec is ansible.builtin.tempfile.
func tempfileSpec() *Spec {
	return &Spec{
		Name: "tempfile",
		Params: []Param{
			{Name: "state", Type: String, Default: "file", Choices: []string{"directory", "file"}, Doc: "a file (mode 0600) or a folder (0700)"},
			{Name: "path", Type: Path, Doc: "folder to make it in; without it TMPDIR, or /tmp"},
			{Name: "prefix", Type: String, Default: "ansible.", Doc: "what its name begins with"},
			{Name: "suffix", Type: String, Default: "", Doc: "what its name ends with"},
		},
		Doc: "Make a file or folder that only the account can read, under a new name.",
		Run: runTempfile,
	}
}

// runTempfile makes the name up here, so that a host needs no mktemp that
// knows suffixes.
func runTempfile(ctx context.Context, c *Call) Result {
	if c.Check {
		return noCheckMode("tempfile")
	}
	for _, which := range []string{"prefix", "suffix"} {
		if s := c.Args.Str(which); strings.ContainsAny(s, "/\x00") {
			return failed(fmt.Sprintf("%s can't be part of a file's name: %q", which, shorten(s)), "name the folder in path")
		}
	}
	random := make([]byte, 10)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	name := c.Args.Str("prefix") + strings.ToLower(base32.StdEncoding.EncodeToString(random)) + c.Args.Str("suffix")
	reply, r := half(ctx, c, "tempfile", c.Args.Str("path"), name, c.Args.Str("state"))
	if r.Failed {
		return r
	}
	r.Values = fileValues(reply)
	delete(r.Values, "dest")
	return r
}

// noCheckMode is the Result, in check mode, of a module that can't say what it
// would do, as Ansible has it.
func noCheckMode(module string) Result {
	return Result{Skipped: true, Msg: fmt.Sprintf("remote module (%s) does not support check mode", module)}
}
