package yara

import (
	"os"
	"strings"
	"testing"

	"thordeploy/scanner/finding"
	"thordeploy/scanner/samples"
)

// signatureBase is a large set of rules of the field, where it lies beside the
// checkout.
const signatureBase = "../../../shared/corpora/signature-base/yara"

func TestSignatureBaseCompilesAndMatches(t *testing.T) {
	if _, err := os.Stat(signatureBase); err != nil {
		t.Skip("signature-base is not beside the checkout: it is no part of the project")
	}
	files, err := RuleFiles([]string{signatureBase})
	if err != nil {
		t.Fatal(err)
	}
	set, err := Compile(files, finding.Internal)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rules of %d files of %d", set.Rules, set.Files, len(files))
	for _, p := range set.LeftOut {
		t.Logf("left out: %s", p)
		if !strings.Contains(p.Message, `unknown module "hash"`) { // libyara is built without it
			t.Errorf("doesn't compile: %s", p)
		}
	}
	if len(files)-set.Files > 2 || set.Rules < 5800 {
		t.Errorf("%d rules of %d files of %d", set.Rules, set.Files, len(files))
	}
	m := NewMatcher([]*Set{set}, System{}, 0)
	rules := map[string]bool{}
	for _, s := range samples.All() {
		for _, name := range matching(t, m, object(s)) {
			rules[name] = true
		}
	}
	if len(rules) < 5 {
		t.Errorf("its rules that match our samples: %v", rules)
	}
	t.Logf("%d of its rules match our samples", len(rules))
}
