package ssh

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"thordeploy/transport"
)

func ecdsaKey(t testing.TB) ssh.Signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// knownAs writes a known_hosts file of lines, in which HOST stands for the
// host's name.
func knownAs(t testing.TB, cfg Config, lines ...string) (*KnownHosts, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	name := "[" + cfg.Host + "]:" + strconv.Itoa(cfg.Port)
	writeFile(t, file, strings.ReplaceAll(strings.Join(lines, "\n"), "HOST", name)+"\n")
	return load(t, file), file
}

func keyText(k ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) }

func TestUnknownHostKey(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	cfg := s.serve(t)
	known, file := knownAs(t, cfg, "# nobody", "other "+keyText(s.key.PublicKey()))
	cfg.KnownHosts = known
	print := ssh.FingerprintSHA256(s.key.PublicKey())
	te := wantError(t, cfg, transport.PhaseHostKey, "unknown: it shows the ssh-ed25519 key "+print+", not in "+file,
		fmt.Sprintf("[127.0.0.1]:%d %s", cfg.Port, keyText(s.key.PublicKey())))
	for _, want := range []string{fmt.Sprintf("ssh-keyscan -p %d 127.0.0.1", cfg.Port), "ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub"} {
		if !strings.Contains(te.Hint, want) {
			t.Errorf("hint %q, want %q in it", te.Hint, want)
		}
	}
	if te.Temporary() {
		t.Error("temporary, though only a person can mend it")
	}

	cfg.KnownHosts = nil
	wantError(t, cfg, transport.PhaseHostKey, "no known_hosts file was given", "ssh-keyscan")
	cfg.IgnoreHostKey = true
	dial(t, cfg)
}

func TestChangedHostKey(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	cfg := s.serve(t)
	dial(t, cfg)
	// Between two connections another host takes its place.
	was := s.key.PublicKey()
	s2 := newServer(t)
	cfg2 := s2.serve(t)
	known, file := knownAs(t, cfg2, "# a comment", "", "HOST "+keyText(was))
	cfg2.KnownHosts = known
	te := wantError(t, cfg2, transport.PhaseHostKey, "has changed: "+file+":3 has "+ssh.FingerprintSHA256(was)+", the host shows "+ssh.FingerprintSHA256(s2.key.PublicKey()),
		fmt.Sprintf("ssh-keygen -R '[127.0.0.1]:%d' -f %s", cfg2.Port, file))
	if te.Temporary() {
		t.Error("temporary, though only a person can mend it")
	}
}

func TestHostKeyLines(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	cfg := s.serve(t)
	own := keyText(s.key.PublicKey())
	other, _ := newKey(t)
	wrong := keyText(other.PublicKey())
	ec := keyText(ecdsaKey(t).PublicKey())
	hashed := knownhosts.HashHostname("[127.0.0.1]:" + strconv.Itoa(cfg.Port))

	for name, c := range map[string]struct {
		lines []string
		words string // empty: let in
		hint  string
	}{
		"by name":                {[]string{"HOST " + own}, "", ""},
		"one of two keys":        {[]string{"HOST " + wrong, "HOST " + own}, "", ""},
		"hashed":                 {[]string{hashed + " " + own}, "", ""},
		"hashed, another key":    {[]string{hashed + " " + wrong}, "has changed", "ssh-keygen -R"},
		"without the port":       {[]string{"127.0.0.1 " + own}, "", ""},
		"another, without port":  {[]string{"127.0.0.1 " + wrong}, "unknown", "ssh-keyscan"},
		"wildcard":               {[]string{"*.example.com,127.0.* " + own}, "", ""},
		"negated":                {[]string{"*,![127.0.0.1]:*,!127.0.0.1 " + own}, "unknown", "ssh-keyscan"},
		"unreadable lines":       {[]string{"x", "HOST ssh-ed25519 ???", "@strange HOST " + wrong, "\x00\xff", "HOST " + own}, "", ""},
		"revoked":                {[]string{"HOST " + own, "@revoked * " + own}, "revokes", "stolen"},
		"another is revoked":     {[]string{"HOST " + own, "@revoked * " + wrong}, "", ""},
		"a kind it doesn't have": {[]string{"HOST " + ec}, "no key of a kind known of it: known_hosts has ecdsa-sha2-nistp256", "ssh-keyscan"},
		"an authority's own key": {[]string{"@cert-authority HOST " + own}, "no key of a kind known of it: known_hosts has a certificate", "ssh-keyscan"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := cfg
			cfg.KnownHosts, _ = knownAs(t, cfg, c.lines...)
			if c.words == "" {
				dial(t, cfg)
				return
			}
			wantError(t, cfg, transport.PhaseHostKey, c.words, c.hint)
		})
	}
}

func TestHostWithSeveralKeysShowsTheKnownOne(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ec := ecdsaKey(t)
	s.config.AddHostKey(ec)
	cfg := s.serve(t)
	cfg.KnownHosts, _ = knownAs(t, cfg, "HOST "+keyText(ec.PublicKey()))
	dial(t, cfg)
}

// certified gives a host's key with a certificate by authority for principal.
func certified(t *testing.T, authority ssh.Signer, principal string) ssh.Signer {
	t.Helper()
	key := ecdsaKey(t) // of another kind than the authority's
	cert := &ssh.Certificate{
		Key: key.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{principal},
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestHostCertificates(t *testing.T) {
	t.Parallel()
	authority, _ := newKey(t)
	stranger, _ := newKey(t)
	ca := "@cert-authority 127.0.0.* " + keyText(authority.PublicKey())
	for name, c := range map[string]struct {
		by        ssh.Signer
		principal string
		lines     []string
		words     string
	}{
		"by the authority":       {authority, "127.0.0.1", []string{ca}, ""},
		"for another host":       {authority, "10.0.0.1", []string{ca}, "certificate is refused"},
		"by another":             {stranger, "127.0.0.1", []string{ca}, "certificate is refused"},
		"by a revoked one":       {authority, "127.0.0.1", []string{ca, "@revoked * " + keyText(authority.PublicKey())}, "revoked"},
		"authority of elsewhere": {authority, "127.0.0.1", []string{"@cert-authority 10.* " + keyText(authority.PublicKey())}, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			cert := certified(t, c.by, c.principal)
			s.config.AddHostKey(cert)
			s.key = ecdsaKey(t)
			cfg := s.serve(t)
			cfg.KnownHosts, _ = knownAs(t, cfg, c.lines...)
			if c.words == "" {
				dial(t, cfg)
				return
			}
			hint := "@cert-authority"
			if c.words == "unknown" {
				hint = "ssh-keyscan"
			}
			wantError(t, cfg, transport.PhaseHostKey, c.words, hint)
		})
	}
}

func TestLoadKnownHosts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	load(t, dir+"/missing") // counts as empty
	if _, err := LoadKnownHosts(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a folder: %v", err)
	}
	writeFile(t, dir+"/case", "HoSt a b\n")
	if lines, _ := load(t, dir+"/case").lookup("hOsT", "22"); len(lines) != 1 {
		t.Error("upper and lower case are told apart in a host's name")
	}
	writeFile(t, dir+"/revoked", "\n@revoked * ssh-ed25519 ???\n")
	if _, err := LoadKnownHosts(dir + "/revoked"); err == nil || !strings.Contains(err.Error(), dir+"/revoked:2") {
		t.Errorf("an unreadable @revoked line must not be passed over: %v", err)
	}
	writeFile(t, dir+"/short", "@revoked host\n")
	if _, err := LoadKnownHosts(dir + "/short"); err == nil {
		t.Error("a short @revoked line must not be passed over")
	}
}

// Names are matched as ssh matches them: ssh-keygen -F is the oracle.
func TestNamesMatchAsForOpenSSH(t *testing.T) {
	t.Parallel()
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ssh-keygen is needed: apt-get install openssh-client")
		}
		t.Skip("ssh-keygen is needed: apt-get install openssh-client")
	}
	key, _ := newKey(t)
	for _, patterns := range []string{
		"host", "HOST", "host,other", "*", "h?st", "*.example.com", "*,!host", "!host", "h*t*", "**t", "[host]:22", "[host]:2222", "[*]:2222",
		"[h*]:22??", "::1", "[::1]:2222", "fe80::*", "host:2222", "", ",", "ho st", knownhosts.HashHostname("host"), knownhosts.HashHostname("[host]:2222"),
	} {
		file := filepath.Join(t.TempDir(), "known_hosts")
		writeFile(t, file, patterns+" "+keyText(key.PublicKey())+"\n")
		k := load(t, file)
		for _, name := range []string{"host", "a.example.com", "example.com", "[host]:2222", "::1", "[::1]:2222", "fe80::2"} {
			want := exec.Command(keygen, "-F", name, "-f", file).Run() == nil
			if got := len(k.named(name)) > 0; got != want {
				t.Errorf("%q for the host %q: %v, OpenSSH says %v", patterns, name, got, want)
			}
		}
	}
}

func FuzzKnownHosts(f *testing.F) {
	for _, seed := range []string{"host ssh-ed25519 AAAA", "@revoked * a b", "|1|a|b x y", "|1|" + strings.Repeat("A", 27) + "=|" + strings.Repeat("A", 27) + "= x y", "*,!x a b", "@x", "# c"} {
		f.Add(seed, "host")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		k := newKnownHosts()
		if _, err := k.read(strings.NewReader(text), "f", 0); err != nil {
			return
		}
		for _, port := range []string{"22", "2222"} {
			lines, _ := k.lookup(name, port)
			for _, l := range lines {
				if l.line < 1 || l.line > strings.Count(text, "\n")+1 {
					t.Errorf("line %d of a text of %d", l.line, strings.Count(text, "\n")+1)
				}
				l.key()
			}
		}
	})
}

// BenchmarkHashedLookup is one host's look-up among 50,000 hashed lines.
func BenchmarkHashedLookup(b *testing.B) {
	key, _ := newKey(b)
	text := " ssh-ed25519 " + base64.StdEncoding.EncodeToString(key.PublicKey().Marshal()) + "\n"
	var all strings.Builder
	for i := range 50_000 {
		all.WriteString(knownhosts.HashHostname("host"+strconv.Itoa(i)) + text)
	}
	file := filepath.Join(b.TempDir(), "known_hosts")
	writeFile(b, file, all.String())
	k := load(b, file)
	for b.Loop() {
		if lines, _ := k.lookup("host49999", "22"); len(lines) != 1 {
			b.Fatal(len(lines))
		}
	}
}
