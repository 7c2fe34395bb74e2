package lint

import (
	"fmt"
	"io"
	"strings"

	"thordeploy/internal/diag"
)

// WriteText writes findings for a person: each as diag draws it, with the
// rule's id behind the severity and its reason below, and a line that counts
// them.
func WriteText(w io.Writer, list []Finding) error {
	var b strings.Builder
	errs := 0
	for _, f := range list {
		d := f.Diagnostic
		d.Summary = fmt.Sprintf("%s [%s]", d.Summary, f.Rule)
		d.Hint = ""
		b.WriteString(d.String())
		fmt.Fprintf(&b, "\n  why: %s\n", diag.Escape(f.Reason))
		if f.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", diag.Escape(f.Hint))
		}
		if f.Severity == diag.Error {
			errs++
		}
	}
	if len(list) > 0 {
		fmt.Fprintf(&b, "\n%s: %s, %s\n", count(len(list), "finding"), count(errs, "error"), count(len(list)-errs, "warning"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
