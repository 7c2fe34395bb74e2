package vault

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

const fuzzPassword = "not-in-any-message"

// FuzzDecrypt holds that any text is either opened or refused with one kind of
// error, which names a line that is there and shows no password.
func FuzzDecrypt(f *testing.F) {
	good, err := Encrypt([]byte("seed"), Secret{ID: "x", Password: []byte(fuzzPassword)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, seed := range []string{
		"", "$ANSIBLE_VAULT", "$ANSIBLE_VAULT;1.1;AES256\n", "$ANSIBLE_VAULT;1.1;AES256\r\n0a0a\r\n",
		"$ANSIBLE_VAULT;1.2;AES256;\x1b[2J\n30300a\n", "$ANSIBLE_VAULT;1.1;AES256\n0a\n 0\n", "$ANSIBLE_VAULT;;;;;\n",
		string(good[:len(good)/2]), string(good) + "---\n", strings.ToUpper(string(good)),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		_, err := Decrypt(data, Secret{Password: []byte(fuzzPassword)})
		if !bytes.Equal(data, before) {
			t.Error("the text was changed in place")
		}
		if err == nil {
			return
		}
		var e *Error
		if !errors.As(err, &e) || e.Summary == "" || e.Hint == "" {
			t.Fatalf("error %v", err)
		}
		if e.Line < 0 || e.Line > bytes.Count(data, []byte("\n"))+1 {
			t.Errorf("line %d of %d", e.Line, bytes.Count(data, []byte("\n"))+1)
		}
		text := err.Error()
		if strings.Contains(text, fuzzPassword) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("error is %q", text)
		}
	})
}

// FuzzEncrypt holds that what is encrypted is read again as it was.
func FuzzEncrypt(f *testing.F) {
	f.Add([]byte("a: 1\n"), "", []byte("pw"))
	f.Add([]byte{}, "prod", []byte{0})
	f.Add(bytes.Repeat([]byte{16}, 16), "a;b", []byte("pw"))
	f.Add([]byte("$ANSIBLE_VAULT;1.1;AES256\n"), "default", []byte("pw"))
	f.Fuzz(func(t *testing.T, plain []byte, id string, password []byte) {
		s := Secret{ID: id, Password: password}
		text, err := Encrypt(plain, s)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			return
		}
		got, err := Decrypt(text, s)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%q becomes %q, %v", plain, got, err)
		}
	})
}
