package lint

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"thordeploy/internal/diag"
)

var inventorySecret = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)["']?\s*[=:]\s*("[^"]*"|'[^']*'|[^\s#,{}\[][^\s#,}]*)`)

// InventorySecrets finds literal secrets in the text of an inventory's file,
// INI or YAML, line by line.
func InventorySecrets(file, text string) []Finding {
	p := &pass{rule: literalSecret}
	lines := strings.Split(text, "\n")
	p.Line = func(_ string, n int) string { return lines[n-1] }
	for i, line := range lines {
		if t := strings.TrimSpace(line); strings.HasPrefix(t, "#") || strings.HasPrefix(t, ";") {
			continue
		}
		for _, m := range inventorySecret.FindAllStringSubmatchIndex(line, -1) {
			name, value := line[m[2]:m[3]], strings.Trim(line[m[4]:m[5]], `"'`)
			if strings.HasPrefix(value, "!vault") || !isSecretName(name) || !isSecret(value) {
				continue
			}
			at := utf8.RuneCountInString(line[:m[2]]) + 1
			r := diag.Range{File: file, Line: i + 1, Column: at, EndColumn: at + len(name)}
			p.report(r, secretHint, "the secret of `%s` stands here", name)
		}
	}
	return p.finish()
}
