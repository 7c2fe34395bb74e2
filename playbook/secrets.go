package playbook

import (
	"errors"

	"gopkg.in/yaml.v3"

	"thordeploy/internal/diag"
	"thordeploy/playbook/vault"
)

// decrypted opens a file that is encrypted as a whole. Messages then show none of
// its lines.
func (ld *loader) decrypted(data []byte) (plain []byte, ok bool) {
	if !vault.Is(data) {
		return data, true
	}
	plain, err := ld.vault.Open(data)
	if err != nil {
		d := vaultDiagnostic(err)
		d.Range.File = ld.src.file
		ld.report(d)
		return nil, false
	}
	ld.src = &source{file: ld.src.file}
	return plain, true
}

// vaultValue decrypts a `!vault` scalar. As in Ansible the plain text is no
// template, whatever it looks like.
func (ld *loader) vaultValue(v *Value, n *yaml.Node) {
	plain, err := ld.vault.Value(n.Value)
	if err != nil {
		d := vaultDiagnostic(err)
		first := d.Range.Line // of the encrypted text
		d.Range = v.rng
		if first > 0 && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			d.Range = diag.Range{File: v.rng.File, Line: n.Line + first, Column: 1}
		}
		d.Source = ld.src.line(d.Range.Line)
		ld.report(d)
		return
	}
	v.text, v.constant = "(encrypted)", plain
}

// vaultDiagnostic is what is wrong with a vault text, its line counted from the
// text's own first one.
func vaultDiagnostic(err error) diag.Diagnostic {
	var e *vault.Error
	if !errors.As(err, &e) {
		return diag.Diagnostic{Summary: err.Error()}
	}
	return diag.Diagnostic{Range: diag.Range{Line: e.Line}, Summary: e.Summary, Hint: e.Hint}
}
