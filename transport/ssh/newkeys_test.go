package ssh

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"thordeploy/transport"
)

// trusting changes cfg to accept new keys into a file of text.
func trusting(t testing.TB, cfg *Config, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "deep", "known_hosts")
	if text != "" {
		if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, text)
	}
	cfg.KnownHosts = load(t, file)
	cfg.AcceptNew = &NewKeys{File: file}
	return file
}

func content(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAcceptNew(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"no file": "", "a file": "# mine\nother ssh-ed25519 AAAA\n", "a last line without an end": "other ssh-ed25519 AAAA"} {
		s := newServer(t)
		cfg := s.serve(t)
		file := trusting(t, &cfg, before)
		dial(t, cfg)
		dial(t, cfg) // known by now
		want := before
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		want += fmt.Sprintf("[127.0.0.1]:%d %s\n", cfg.Port, keyText(s.key.PublicKey()))
		if got := content(t, file); got != want {
			t.Errorf("%s: the file holds %q, want %q", name, got, want)
		}
		if got := fmt.Sprint(cfg.AcceptNew.Accepted()); got != fmt.Sprintf("[{[127.0.0.1]:%d ssh-ed25519 %s}]", cfg.Port, ssh.FingerprintSHA256(s.key.PublicKey())) {
			t.Errorf("%s: accepted %s", name, got)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		// In the next run the key is a known one, and another one a changed one.
		cfg.KnownHosts, cfg.AcceptNew = load(t, file), nil
		dial(t, cfg)
	}
}

func TestAcceptNewHashesNames(t *testing.T) {
	t.Parallel()
	cfg := newServer(t).serve(t)
	file := trusting(t, &cfg, "")
	cfg.AcceptNew.Hash = true
	dial(t, cfg)
	if text := content(t, file); !strings.HasPrefix(text, "|1|") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("%q", text)
	}
	cfg.AcceptNew = nil
	dial(t, cfg)
	if keygen, err := exec.LookPath("ssh-keygen"); err == nil {
		name := fmt.Sprintf("[127.0.0.1]:%d", cfg.Port)
		if err := exec.Command(keygen, "-F", name, "-f", file).Run(); err != nil {
			t.Errorf("ssh-keygen doesn't find %s: %v", name, err)
		}
	}
}

func TestWhatIsNotNewIsNotAccepted(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	cfg := s.serve(t)
	own, other := keyText(s.key.PublicKey()), ""
	stranger, _ := newKey(t)
	other = keyText(stranger.PublicKey())
	name := fmt.Sprintf("[127.0.0.1]:%d ", cfg.Port)
	for what, c := range map[string]struct{ text, words, hint string }{
		"a changed key":         {name + other + "\n", "has changed", "ssh-keygen -R"},
		"a revoked key":         {"@revoked * " + own + "\n", "revokes", "stolen"},
		"a key of another kind": {name + keyText(ecdsaKey(t).PublicKey()) + "\n", "no key of a kind known", "ssh-keyscan"},
		"an authority's host":   {"@cert-authority * " + other + "\n", "no key of a kind known", "ssh-keyscan"},
	} {
		cfg := cfg
		file := trusting(t, &cfg, c.text)
		wantError(t, cfg, transport.PhaseHostKey, c.words, c.hint)
		if got := content(t, file); got != c.text || len(cfg.AcceptNew.Accepted()) > 0 {
			t.Errorf("%s: the file holds %q", what, got)
		}
	}
	cfg.KnownHosts, cfg.AcceptNew = nil, &NewKeys{File: t.TempDir()}
	wantError(t, cfg, transport.PhaseHostKey, "is new and can't be written down", "--known-hosts")
}

// Two runs at once meet the same new hosts: nothing is lost, nothing stands
// there twice, and what one has accepted binds the other.
func TestTwoRunsAcceptAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "known_hosts")
	var keys []ssh.PublicKey
	for range 20 {
		k, _ := newKey(t)
		keys = append(keys, k.PublicKey())
	}
	var all sync.WaitGroup
	for range 4 {
		known, fresh := load(t, file), &NewKeys{File: file}
		all.Go(func() {
			for i, k := range keys {
				cfg := Config{Host: "host" + strconv.Itoa(i), KnownHosts: known}
				if err := fresh.Add(cfg, k); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	lines := bytes.Count([]byte(content(t, file)), []byte("\n"))
	if lines != len(keys) {
		t.Errorf("%d lines for %d hosts", lines, len(keys))
	}
	known, fresh := load(t, file), &NewKeys{File: file}
	for i, k := range keys {
		if what, place := Judge(Config{Host: "host" + strconv.Itoa(i), KnownHosts: known}, k); what != KnownSame {
			t.Errorf("host%d: %s %s", i, what, place)
		}
	}
	// Loaded before another program wrote another key for the host.
	mine := Config{Host: "late", KnownHosts: known}
	if err := (&NewKeys{File: file}).Add(Config{Host: "late", KnownHosts: load(t, file)}, keys[0]); err != nil {
		t.Fatal(err)
	}
	if err := fresh.Add(mine, keys[1]); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("has changed: %s:%d", file, lines+1)) {
		t.Errorf("%v", err)
	}
}

// ssh-keygen -R writes the file anew, under the feet of a run.
func TestAFileThatIsReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	a, _ := newKey(t)
	b, _ := newKey(t)
	file := filepath.Join(t.TempDir(), "known_hosts")
	writeFile(t, file, "x "+keyText(a.PublicKey())+"\n")
	known, fresh := load(t, file), &NewKeys{File: file}
	writeFile(t, file+".new", "y "+keyText(a.PublicKey())+"\n")
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	if err := fresh.Add(Config{Host: "z", KnownHosts: known}, b.PublicKey()); err != nil {
		t.Fatal(err)
	}
	if got, want := content(t, file), "y "+keyText(a.PublicKey())+"\nz "+keyText(b.PublicKey())+"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if what, _ := Judge(Config{Host: "y", KnownHosts: known}, a.PublicKey()); what != KnownSame {
		t.Errorf("what another program wrote isn't known: %s", what)
	}
}

func TestCertificatesOnly(t *testing.T) {
	t.Parallel()
	authority, _ := newKey(t)
	ca := "@cert-authority [127.0.0.*]:* " + keyText(authority.PublicKey())
	s := newServer(t)
	s.config.AddHostKey(certified(t, authority, "127.0.0.1"))
	cfg := s.serve(t)
	cfg.CertificatesOnly = true
	own := "HOST " + keyText(s.key.PublicKey())
	cfg.KnownHosts, _ = knownAs(t, cfg, own, ca)
	dial(t, cfg)
	cfg.KnownHosts, _ = knownAs(t, cfg, own)
	wantError(t, cfg, transport.PhaseHostKey, "certificate is refused", "@cert-authority")
	plain := newServer(t).serve(t)
	plain.CertificatesOnly = true
	wantError(t, plain, transport.PhaseHostKey, "the host shows no certificate, and only certificates count", "ssh-keygen -s CA -h")
}

func TestHostKeyAlias(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	cfg := s.serve(t)
	cfg.HostKeyAlias = "Cluster"
	wantError(t, cfg, transport.PhaseHostKey, "is unknown", "cluster "+keyText(s.key.PublicKey()))
	cfg.KnownHosts, _ = knownAs(t, cfg, "cluster "+keyText(s.key.PublicKey()))
	dial(t, cfg)
	authority, _ := newKey(t)
	s2 := newServer(t)
	s2.key = certified(t, authority, "cluster")
	cfg2 := s2.serve(t)
	cfg2.HostKeyAlias = "cluster"
	cfg2.KnownHosts, _ = knownAs(t, cfg2, "@cert-authority cluster "+keyText(authority.PublicKey()))
	dial(t, cfg2)
}

// As ssh: with checking switched off, a host that shows another key than the
// known one may be anybody, and gets no password.
func TestAnImpostorGetsNoPassword(t *testing.T) {
	t.Parallel()
	s, asked := passwordServer(t)
	cfg := s.serve(t)
	cfg.KeyFiles, cfg.Password, cfg.IgnoreHostKey = nil, says(secret), true
	known := cfg.KnownHosts
	dial(t, cfg)
	cfg.KnownHosts = nil // unknown is no impostor
	dial(t, cfg)
	stranger, _ := newKey(t)
	for _, line := range []string{"HOST " + keyText(stranger.PublicKey()), "HOST " + keyText(ecdsaKey(t).PublicKey()), "@revoked * " + keyText(s.key.PublicKey())} {
		cfg.KnownHosts, _ = knownAs(t, cfg, line)
		wantError(t, cfg, transport.PhaseAuth, "shows another key than the known one, so it isn't given the password", "with host key checking on")
	}
	if asked.Load() != 2 {
		t.Errorf("the password was given %d times, want twice", asked.Load())
	}
	cfg.KnownHosts = known
	dial(t, cfg)
}

func TestScanKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ec := ecdsaKey(t)
	s.config.AddHostKey(ec)
	cfg := s.serve(t)
	cfg.KnownHosts, _ = knownAs(t, cfg, "HOST "+keyText(ec.PublicKey()))
	keys, err := ScanKeys(t.Context(), cfg)
	if err != nil || len(keys) != 2 || !sameKey(keys[0], s.key.PublicKey()) || !sameKey(keys[1], ec.PublicKey()) {
		t.Fatalf("%v, %v", keys, err)
	}
	for i, want := range []Known{KnownNot, KnownSame} {
		if got, _ := Judge(cfg, keys[i]); got != want {
			t.Errorf("%s is %s, want %s", keys[i].Type(), got, want)
		}
	}
	if got := cfg.Name(); got != fmt.Sprintf("[127.0.0.1]:%d", cfg.Port) {
		t.Error(got)
	}
	silent := new(server).listen(t, stall)
	silent.HandshakeTimeout = limit
	if _, err := ScanKeys(t.Context(), silent); err == nil || !strings.Contains(err.Error(), "said nothing for 300ms") {
		t.Error(err)
	}
	_, err = ScanKeys(t.Context(), configFor(closedListener(t)))
	wantPhase(t, err, transport.PhaseDial, "connection refused")
}
