package vault

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

const (
	magic      = "$ANSIBLE_VAULT"
	cipherName = "AES256"
	lineLength = 80
	maxLabel   = 128
	maxHeader  = 1024
	maxSalt    = 1024
)

// envelope is what a vault text carries: below the header
// ($ANSIBLE_VAULT;VERSION;CIPHER;LABEL) stand hexadecimal digits, broken into
// lines. They spell three lines, and those are hexadecimal digits once more.
type envelope struct {
	label      string // DefaultID where the header has none
	salt       []byte
	mac        []byte // HMAC-SHA256 of ciphertext
	ciphertext []byte // whole blocks, at least one
}

// parse reads a vault text without any key.
func parse(data []byte) (envelope, error) {
	if len(data) > MaxText {
		return envelope{}, &Error{Kind: ErrTooLarge, Summary: fmt.Sprintf("vault data over %d MiB isn't read", MaxText>>20), Hint: "encrypt only the secrets, and keep the rest in a file of its own"}
	}
	head, body, _ := bytes.Cut(data, []byte("\n"))
	label, err := parseHeader(head)
	if err != nil {
		return envelope{}, err
	}
	raw, last, err := parseBody(body)
	if err != nil {
		return envelope{}, err
	}
	parts := bytes.SplitN(raw, []byte("\n"), 3)
	if len(parts) < 3 {
		return envelope{}, damaged(last, "the vault data is cut off")
	}
	for i, name := range []string{"salt", "authentication code", "ciphertext"} {
		n, err := hex.Decode(parts[i], parts[i])
		if err != nil {
			return envelope{}, damaged(last, "the vault data is damaged or cut off: its %s can't be read", name)
		}
		parts[i] = parts[i][:n]
	}
	e := envelope{label: label, salt: parts[0], mac: parts[1], ciphertext: parts[2]}
	switch {
	case len(e.salt) == 0 || len(e.salt) > maxSalt:
		return envelope{}, damaged(0, "the vault data is damaged: its salt has %d bytes", len(e.salt))
	case len(e.mac) != macSize:
		return envelope{}, damaged(0, "the vault data is damaged: its authentication code has %d bytes, not %d", len(e.mac), macSize)
	case len(e.ciphertext) == 0 || len(e.ciphertext)%aes.BlockSize != 0:
		return envelope{}, damaged(last, "the vault data is cut off: its ciphertext has %d bytes, no whole blocks", len(e.ciphertext))
	}
	return e, nil
}

// parseHeader checks the first line and gives its label. Ansible takes a label
// in version 1.1 as well, and nothing after the label.
func parseHeader(line []byte) (string, error) {
	if !Is(line) {
		return "", &Error{Kind: ErrNotVault, Line: 1, Summary: "not vault data: it doesn't begin with " + magic, Hint: "is it encrypted? `thordeploy vault encrypt FILE` does that"}
	}
	fields := strings.Split(string(line[:min(len(line), maxHeader)]), ";")
	for i := range fields {
		fields[i] = strings.Trim(fields[i], blanks)
	}
	const known = magic + ";1.1;" + cipherName + " and " + magic + ";1.2;" + cipherName + ";LABEL"
	switch {
	case len(line) > maxHeader || len(fields) < 3 || fields[0] != magic:
		return "", &Error{Kind: ErrNotVault, Line: 1, Summary: "not vault data: the first line is no vault header", Hint: "headers are " + known}
	case fields[1] != "1.1" && fields[1] != "1.2":
		return "", &Error{Kind: ErrUnsupported, Line: 1, Summary: "vault version " + show(fields[1]) + " isn't read", Hint: "encrypt it anew with a current ansible-vault or thordeploy; headers are " + known}
	case fields[2] != cipherName:
		return "", &Error{Kind: ErrUnsupported, Line: 1, Summary: "vault cipher " + show(fields[2]) + " isn't read", Hint: "encrypt it anew with a current ansible-vault or thordeploy; headers are " + known}
	case len(fields) > 3 && fields[3] != "":
		return fields[3], nil
	}
	return DefaultID, nil
}

const blanks = " \t\r\n\v\f"

// parseBody joins and decodes the lines below the header. Blanks around a line
// don't count: values in YAML are often moved by an editor. last is the number
// of the last line that has digits, where a cut is to be looked for.
func parseBody(body []byte) (raw []byte, last int, err error) {
	digits := make([]byte, 0, len(body))
	number := 1
	last = 1
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		number++
		line = bytes.Trim(line, blanks)
		if len(line) == 0 {
			continue
		}
		if slices.ContainsFunc(line, notHex) {
			return nil, 0, damaged(number, "the vault data is damaged: this line has something other than hexadecimal digits")
		}
		digits = append(digits, line...)
		last = number
	}
	if len(digits) == 0 {
		return nil, 0, damaged(1, "the vault data is cut off after its header")
	}
	if len(digits)%2 != 0 {
		return nil, 0, damaged(last, "the vault data is cut off: its number of digits is odd")
	}
	n, err := hex.Decode(digits, digits)
	return digits[:n], last, err
}

func notHex(c byte) bool {
	return (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F')
}

// text writes the envelope as ansible-vault does.
func (e envelope) text() []byte {
	inner := make([]byte, 0, 2*(len(e.salt)+len(e.mac)+len(e.ciphertext))+2)
	inner = hex.AppendEncode(inner, e.salt)
	inner = hex.AppendEncode(append(inner, '\n'), e.mac)
	inner = hex.AppendEncode(append(inner, '\n'), e.ciphertext)

	version, label := "1.1", ""
	if e.label != DefaultID {
		version, label = "1.2", ";"+e.label
	}
	const step = lineLength / 2
	out := make([]byte, 0, len(magic)+maxLabel+16+2*len(inner)+len(inner)/step+1)
	out = append(out, magic+";"+version+";"+cipherName+label+"\n"...)
	for part := range slices.Chunk(inner, step) {
		out = append(hex.AppendEncode(out, part), '\n')
	}
	return out
}

// checkLabel holds labels to what a header can carry: Ansible doesn't know a
// vault text that isn't plain ASCII, takes blanks off, and splits at ; and @.
func checkLabel(label string) error {
	bad := strings.ContainsFunc(label, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' || r == '@' })
	if bad || len(label) > maxLabel {
		return &Error{Kind: ErrLabel, Summary: "the vault label " + show(label) + " can't be written",
			Hint: fmt.Sprintf("use at most %d ASCII letters, digits, dots, dashes and underscores", maxLabel)}
	}
	return nil
}
