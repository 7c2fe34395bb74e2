package ssh

import (
	"go/build"
	"slices"
	"strings"
	"testing"
)

func TestImports(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"thordeploy/transport", "thordeploy/transport/internal/readahead",
		"thordeploy/transport/ssh/sshconfig", // OpenSSH's own files: patterns mean the same in known_hosts; it imports the standard library alone
		"golang.org/x/crypto/ssh", "golang.org/x/crypto/ssh/agent", "github.com/pkg/sftp",
	}
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range pkg.Imports {
		if first, _, _ := strings.Cut(imp, "/"); (strings.Contains(first, ".") || first == "thordeploy") && !slices.Contains(allowed, imp) {
			t.Errorf("imports %s: SSH knows the contract it keeps and its protocol's libraries, nothing of plays and hosts files", imp)
		}
	}
}
