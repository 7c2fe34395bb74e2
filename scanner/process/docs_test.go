package process

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// docs/coverage.md lists the checks as they are, in their order.
func TestCoverageListsEveryCheck(t *testing.T) {
	page, err := os.ReadFile("../../docs/coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## "+Module+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var want strings.Builder
	for _, c := range Checks() {
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", c[0], c[1], c[2])
	}
	if !strings.HasSuffix(strings.TrimRight(section, "\n")+"\n", "| --- | --- | --- |\n"+want.String()) {
		t.Errorf("docs/coverage.md, %s, has to have this table:\n%s", Module, want.String())
	}
}
