package vault

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var kinds = []error{ErrNotVault, ErrUnsupported, ErrDamaged, ErrPassword, ErrTooLarge, ErrEncrypted, ErrLabel}

// wants checks an error's one kind, its line, and that it says what to try.
func wants(t *testing.T, err, kind error, line int, says string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error", err)
	}
	for _, k := range kinds {
		if errors.Is(err, k) != (k == kind) {
			t.Errorf("%q: Is(%v) = %v", err, k, errors.Is(err, k))
		}
	}
	if e.Line != line {
		t.Errorf("line %d, want %d: %v", e.Line, line, err)
	}
	if !strings.Contains(e.Summary, says) {
		t.Errorf("%q doesn't say %q", e.Summary, says)
	}
	if e.Hint == "" || !strings.Contains(err.Error(), e.Hint) {
		t.Errorf("%q doesn't say what to try", err)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	s := Secret{ID: "prod", Password: []byte("open sesame")}
	for _, plain := range []string{"", "a: 1\n", "\x10\x10\x10", strings.Repeat("long\n", 1000)} {
		text, err := Encrypt([]byte(plain), s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decrypt(text, s)
		if err != nil || string(got) != plain {
			t.Fatalf("%q becomes %q, %v", plain, got, err)
		}
	}
}

func TestPadding(t *testing.T) {
	t.Parallel()
	k, err := derive([]byte("pw"), []byte("salt"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 50 {
		plain := bytes.Repeat([]byte{byte(n)}, n)
		c, err := k.seal(plain)
		if err != nil || len(c)%16 != 0 || len(c) <= n || len(c) > n+16 {
			t.Fatalf("%d bytes become %d, %v", n, len(c), err)
		}
		got, err := k.open(c)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%q becomes %q, %v", plain, got, err)
		}
	}
}

func TestShapeOfWhatIsWritten(t *testing.T) {
	t.Parallel()
	tests := []struct{ id, header string }{
		{"", "$ANSIBLE_VAULT;1.1;AES256"},
		{"default", "$ANSIBLE_VAULT;1.1;AES256"},
		{"prod", "$ANSIBLE_VAULT;1.2;AES256;prod"},
	}
	for _, tt := range tests {
		text, err := Encrypt(bytes.Repeat([]byte("x"), 500), Secret{ID: tt.id, Password: []byte("pw")})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		if lines[0] != tt.header || lines[len(lines)-1] != "" || !Is(text) {
			t.Errorf("%q: header %q, end %q", tt.id, lines[0], lines[len(lines)-1])
		}
		for i, l := range lines[1 : len(lines)-1] {
			if len(l) != 80 && i != len(lines)-3 || len(l) == 0 || len(l) > 80 {
				t.Errorf("line %d has %d characters", i+2, len(l))
			}
		}
	}
}

// Two texts of the same secret must not tell that they are the same.
func TestEverySaltIsNew(t *testing.T) {
	t.Parallel()
	s := Secret{Password: []byte("pw")}
	a, errA := Encrypt([]byte("same"), s)
	b, errB := Encrypt([]byte("same"), s)
	if errA != nil || errB != nil || bytes.Equal(a, b) {
		t.Errorf("%v, %v\n%s", errA, errB, a)
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"$ANSIBLE_VAULT;1.1;AES256\n00\n": true, "$ANSIBLE_VAULT": true,
		"": false, " $ANSIBLE_VAULT;1.1;AES256\n": false, "a: 1\n": false, "$ANSIBLE": false,
	} {
		if Is([]byte(text)) != want {
			t.Errorf("Is(%q) = %v", text, !want)
		}
	}
}

func TestLabelMatchesFirst(t *testing.T) {
	t.Parallel()
	right, wrong := []byte("right"), []byte("wrong")
	text, err := Encrypt([]byte("x"), Secret{ID: "prod", Password: right})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		with []Secret
		ok   bool
	}{
		{"own label", []Secret{{ID: "dev", Password: wrong}, {ID: "prod", Password: right}}, true},
		{"another label", []Secret{{ID: "prod", Password: wrong}, {ID: "dev", Password: right}}, true},
		{"no label", []Secret{{Password: right}}, true},
		{"two of one label", []Secret{{ID: "prod", Password: wrong}, {ID: "prod", Password: right}}, true},
		{"none right", []Secret{{ID: "prod", Password: wrong}, {Password: wrong}}, false},
	}
	for _, tt := range tests {
		got, err := Decrypt(text, tt.with...)
		if tt.ok != (err == nil) || tt.ok && string(got) != "x" {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
	_, err = Decrypt(text, Secret{Password: wrong}, Secret{ID: "dev", Password: wrong})
	wants(t, err, ErrPassword, 0, `none of the 2 vault passwords is right (the text is labelled "prod")`)
	_, err = Decrypt(text, Secret{Password: wrong})
	wants(t, err, ErrPassword, 0, `the vault password is wrong (the text is labelled "prod")`)
	_, err = Decrypt(text)
	wants(t, err, ErrPassword, 0, "no vault password is given")
}

// Each password costs 5 ms, so the likely ones come first. Which was tried
// can't be seen in the plain text.
func TestOrderOfPasswords(t *testing.T) {
	t.Parallel()
	list := []Secret{{ID: "dev"}, {ID: "prod"}, {}, {ID: "prod", Password: []byte("2")}, {ID: "default", Password: []byte("2")}}
	for label, want := range map[string][]Secret{
		"prod":    {list[1], list[3], list[0], list[2], list[4]},
		DefaultID: {list[2], list[4], list[0], list[1], list[3]},
		"other":   list,
	} {
		if diff := cmp.Diff(want, inOrder(list, label)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", label, diff)
		}
	}
}

func TestWhatIsNotRead(t *testing.T) {
	t.Parallel()
	s := Secret{Password: []byte("hunter2")}
	good, err := Encrypt([]byte("plain text that nobody may see"), s)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(good), "\n"), "\n")
	body := strings.Join(lines[1:], "")
	spelt := func(inner string) string {
		return "$ANSIBLE_VAULT;1.1;AES256\n" + hex.EncodeToString([]byte(inner)) + "\n"
	}
	block, mac := strings.Repeat("00", 16), strings.Repeat("00", 32)
	tests := []struct {
		name, text string
		kind       error
		line       int
		says       string
	}{
		{"empty", "", ErrNotVault, 1, "doesn't begin with"},
		{"plain", "password: hunter2\n", ErrNotVault, 1, "doesn't begin with"},
		{"indented header", " " + string(good), ErrNotVault, 1, "doesn't begin with"},
		{"header only in part", "$ANSIBLE_VAULT;1.1\n" + body, ErrNotVault, 1, "no vault header"},
		{"header of another kind", "$ANSIBLE_VAULTED;1.1;AES256\n" + body, ErrNotVault, 1, "no vault header"},
		{"endless header", "$ANSIBLE_VAULT;1.2;AES256;" + strings.Repeat("a", 2000) + "\n" + body, ErrNotVault, 1, "no vault header"},
		{"version 1.0", "$ANSIBLE_VAULT;1.0;AES\n" + body, ErrUnsupported, 1, `version "1.0"`},
		{"version 1.3", "$ANSIBLE_VAULT;1.3;AES256\n" + body, ErrUnsupported, 1, `version "1.3"`},
		{"another cipher", "$ANSIBLE_VAULT;1.1;ROT13\n" + body, ErrUnsupported, 1, `cipher "ROT13"`},
		{"header alone", lines[0], ErrDamaged, 1, "cut off after its header"},
		{"line 3 has a letter", lines[0] + lines[1] + "x" + lines[2] + strings.Join(lines[3:], ""), ErrDamaged, 3, "hexadecimal"},
		{"YAML below", string(good) + "other: value\n", ErrDamaged, len(lines) + 1, "hexadecimal"},
		{"NUL", lines[0] + "00\x00\n", ErrDamaged, 2, "hexadecimal"},
		{"odd", strings.TrimSpace(string(good))[:len(good)-2], ErrDamaged, len(lines), "odd"},
		{"first line only", lines[0] + lines[1], ErrDamaged, 2, "cut off"},
		{"cut in the ciphertext", spelt("00\n" + mac + "\n" + block[:30]), ErrDamaged, 2, "no whole blocks"},
		{"no ciphertext", spelt("00\n" + mac + "\n"), ErrDamaged, 2, "0 bytes"},
		{"ciphertext not spelt", spelt("00\n" + mac + "\n" + "zz" + block), ErrDamaged, 2, "ciphertext can't be read"},
		{"salt not spelt", spelt("0\n" + mac + "\n" + block), ErrDamaged, 2, "salt can't be read"},
		{"no salt", spelt("\n" + mac + "\n" + block), ErrDamaged, 0, "salt has 0 bytes"},
		{"huge salt", spelt(strings.Repeat("00", 2000) + "\n" + mac + "\n" + block), ErrDamaged, 0, "salt has 2000 bytes"},
		{"short code", spelt("00\n" + mac[:62] + "\n" + block), ErrDamaged, 0, "31 bytes, not 32"},
		{"forged", spelt("00\n" + mac + "\n" + block), ErrPassword, 0, "wrong"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Decrypt([]byte(tt.text), s)
			if got != nil {
				t.Errorf("gives %q", got)
			}
			wants(t, err, tt.kind, tt.line, tt.says)
			if strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 400 {
				t.Errorf("error is %q", err)
			}
		})
	}
}

// Every changed bit of salt, code or ciphertext is noticed.
func TestTampering(t *testing.T) {
	t.Parallel()
	s := Secret{Password: []byte("pw")}
	good, err := Encrypt([]byte("some plain text"), s)
	if err != nil {
		t.Fatal(err)
	}
	e, err := parse(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string][]byte{"salt": e.salt, "code": e.mac, "ciphertext": e.ciphertext} {
		part[len(part)-1] ^= 1
		if _, err := Decrypt(e.text(), s); !errors.Is(err, ErrPassword) {
			t.Errorf("a changed %s gives %v", name, err)
		}
		part[len(part)-1] ^= 1
	}
	if _, err := Decrypt(e.text(), s); err != nil {
		t.Errorf("the unchanged text: %v", err)
	}
}

// A text with a right code but no padding, as a broken writer would make it.
func TestBadPadding(t *testing.T) {
	t.Parallel()
	s := Secret{Password: []byte("pw")}
	salt := []byte("salt")
	k, err := derive(s.Password, salt)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []string{"sixteen bytes ok", strings.Repeat("a", 15) + "\x00", strings.Repeat("a", 15) + "\x11", strings.Repeat("a", 15) + "\x02"} {
		c := []byte(block)
		if err := k.apply(c); err != nil {
			t.Fatal(err)
		}
		_, err := Decrypt(envelope{label: DefaultID, salt: salt, mac: k.sum(c), ciphertext: c}.text(), s)
		wants(t, err, ErrDamaged, 0, "doesn't end as it must")
	}
}

func TestLineEndsAndBlanks(t *testing.T) {
	t.Parallel()
	s := Secret{Password: []byte("pw")}
	text, err := Encrypt(bytes.Repeat([]byte("x"), 100), Secret{ID: "prod", Password: s.Password})
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]string{
		"CRLF":        strings.ReplaceAll(string(text), "\n", "\r\n"),
		"no last end": strings.TrimSuffix(string(text), "\n"),
		"indented":    strings.ReplaceAll(string(text), "\n", "\n    "),
		"blank lines": string(text) + "\n \n",
		"capitals":    strings.ToUpper(string(text)),
	} {
		if _, err := Decrypt([]byte(other), s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNotEncrypted(t *testing.T) {
	t.Parallel()
	pw := []byte("hunter2")
	text, err := Encrypt([]byte("x"), Secret{Password: pw})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		plain []byte
		s     Secret
		kind  error
		says  string
	}{
		{"encrypted already", text, Secret{Password: pw}, ErrEncrypted, "already"},
		{"no password", []byte("x"), Secret{ID: "prod"}, ErrPassword, "empty"},
		{"too large", make([]byte, MaxPlain+1), Secret{Password: pw}, ErrTooLarge, "16 MiB"},
		{"label with a semicolon", nil, Secret{ID: "a;b", Password: pw}, ErrLabel, `"a;b"`},
		{"label with a line end", nil, Secret{ID: "a\nb", Password: pw}, ErrLabel, `"a\nb"`},
		{"label with a blank", nil, Secret{ID: "a b", Password: pw}, ErrLabel, `"a b"`},
		{"label and file", nil, Secret{ID: "dev@pw.txt", Password: pw}, ErrLabel, `"dev@pw.txt"`},
		{"label that isn't ASCII", nil, Secret{ID: "prüf", Password: pw}, ErrLabel, "can't be written"},
		{"long label", nil, Secret{ID: strings.Repeat("a", 129), Password: pw}, ErrLabel, "can't be written"},
	}
	for _, tt := range tests {
		got, err := Encrypt(tt.plain, tt.s)
		if got != nil {
			t.Errorf("%s: gives %q", tt.name, got)
		}
		wants(t, err, tt.kind, 0, tt.says)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error is %q", err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	huge := make([]byte, 100_000_000)
	copy(huge, "$ANSIBLE_VAULT;1.1;AES256\n")
	_, err := Decrypt(huge, Secret{Password: []byte("pw")})
	wants(t, err, ErrTooLarge, 0, "68 MiB")
}

// What may be written may be read, with a file's line ends changed, too.
func TestLargestTextIsRead(t *testing.T) {
	t.Parallel()
	const part = 1 << 10
	e := envelope{label: strings.Repeat("a", maxLabel), salt: make([]byte, saltSize), mac: make([]byte, macSize), ciphertext: make([]byte, MaxPlain/part+16)}
	text := bytes.ReplaceAll(e.text(), []byte("\n"), []byte("\r\n"))
	if size := len(text) * part; size > MaxText {
		t.Errorf("%d bytes become about %d, more than %d", MaxPlain, size, MaxText)
	}
	if _, err := parse(text); err != nil {
		t.Error(err)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	s := Secret{ID: "prod", Password: []byte("hunter2")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{s, &s, []Secret{s}, struct{ S Secret }{s}} {
			got := fmt.Sprintf(verb, v)
			for _, leak := range []string{"hunter2", "68756e74", "104 117", "0x68"} {
				if strings.Contains(got, leak) {
					t.Errorf("%s of %T prints %q", verb, v, got)
				}
			}
		}
	}
	if got := fmt.Sprint(s); got != `vault password "prod"` {
		t.Errorf("prints %q", got)
	}
	if j, err := json.Marshal(s); err != nil || strings.Contains(string(j), "Password") {
		t.Errorf("JSON is %s, %v", j, err)
	}
}
