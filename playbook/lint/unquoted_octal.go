package lint

import (
	"strings"

	"thordeploy/internal/diag"
)

var unquotedOctal = Rule{
	ID: "unquoted-octal", Severity: diag.Warning,
	Doc:   "a mode that is written as a number",
	Why:   "What a number with a leading 0 is depends on who reads the YAML; without the 0 it is another mode. A text is the same everywhere.",
	check: checkOctals,
}

func checkOctals(p *pass) {
	p.tasks(func(s *step) {
		for _, param := range []string{"mode", "directory_mode"} {
			v := s.Args[param]
			if v == nil {
				continue
			}
			r := v.Range()
			before, after := around(p.line(r), r.Column)
			if strings.HasSuffix(strings.TrimRight(before, " "), ":") && after != "" && strings.Contains("0123456789", after[:1]) {
				p.report(r, `write "`+v.Text()+`"`, "mode %s isn't quoted", v.Text())
			}
		}
	})
}

// around cuts a line at a column, in runes from 1.
func around(line string, column int) (before, after string) {
	r := []rune(line)
	at := max(0, min(column-1, len(r)))
	return string(r[:at]), string(r[at:])
}
