package action

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// site serves a few files, some to one account alone.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	sum := sha256.Sum256([]byte("hello\n"))
	mux := http.NewServeMux()
	mux.HandleFunc("/a.txt", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello\n") })
	mux.HandleFunc("/SUMS", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%064x  other.txt\n%s *a.txt\n", 1, hex.EncodeToString(sum[:]))
	})
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/a.txt", http.StatusFound) })
	mux.HandleFunc("/secret", func(w http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		if u != "me" || p != `p"a\ss word` || r.Header.Get("X-Token") != "t k" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, r.UserAgent())
	})
	mux.HandleFunc("/words", func(w http.ResponseWriter, _ *http.Request) { // what runs here now, and with which words
		out, _ := exec.Command("sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '").Output()
		fmt.Fprint(w, strings.Contains(string(out), "geheim-4711"))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// onlyTool is a shell that finds one program to download with, or none, and
// busybox's others.
func onlyTool(t *testing.T, tool string) (prefix string) {
	t.Helper()
	box, err := busyboxDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	list, err := os.ReadDir(box)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Name() != "wget" {
			if err := os.Symlink(filepath.Join(box, e.Name()), filepath.Join(dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	switch tool {
	case "busybox":
		err = os.Symlink(filepath.Join(box, "wget"), filepath.Join(dir, "wget"))
	case "curl", "wget":
		var at string
		if at, err = exec.LookPath(tool); err == nil {
			err = os.Symlink(at, filepath.Join(dir, tool))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if tool == "busybox" {
		return "env PATH=" + dir + " sh" // which is busybox's
	}
	return "env PATH=" + dir + " /bin/dash"
}

// TestGetURL: with each program that a host may have, and with none.
func TestGetURL(t *testing.T) {
	t.Parallel()
	s := site(t)
	for _, tool := range []string{"curl", "wget", "busybox", "none"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			prefix := onlyTool(t, tool)
			h := openHost(t, tool, prefix)
			dir := t.TempDir()
			get := func(v values, options ...func(*Call)) Result { return h.run(t, "get_url", v, options...) }
			at := dir + "/a"
			r := mustOK(t, get(values{"url": s.URL + "/a.txt", "dest": at, "mode": "0640"}), true)
			holds(t, at, "hello\n", 0o640)
			if r.Values["status_code"] != 200 || r.Values["dest"] != at || r.Values["mode"] != "0640" || r.Values["size"] != int64(6) ||
				r.Values["checksum_src"] != "f572d396fae9206628714fb2ce00f72e94f2258f" {
				t.Errorf("values: %v", r.Values)
			}
			if said := strings.Contains(r.Msg, "downloaded here and sent"); said != (tool == "none") {
				t.Errorf("says %q", r.Msg)
			}
			r = mustOK(t, get(values{"url": s.URL + "/none", "dest": at}), false) // it is there
			if r.Msg != "file already exists" {
				t.Errorf("says %q", r.Msg)
			}
			mustOK(t, get(values{"url": s.URL + "/none", "dest": at, "mode": "0600"}), true)
			hasMode(t, at, 0o600)
			mustOK(t, get(values{"url": s.URL + "/to", "dest": at, "force": true}), false) // a redirect to the same
			write(t, at, "other", 0o600)
			r = mustOK(t, get(values{"url": s.URL + "/a.txt", "dest": at, "force": true, "backup": true}), true)
			holds(t, at, "hello\n", 0o600)
			holds(t, r.Values["backup_file"].(string), "other", 0o600)

			// Digests.
			good := "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
			mustOK(t, get(values{"url": s.URL + "/none", "dest": at, "checksum": strings.ToUpper(good[:6]) + good[6:]}), false)
			mustOK(t, get(values{"url": s.URL + "/none", "dest": at, "checksum": "sha256:" + strings.ToUpper(good[7:]), "mode": "0644"}), true)
			bad := "sha256:" + strings.Repeat("0", 64)
			mustFail(t, get(values{"url": s.URL + "/a.txt", "dest": at, "checksum": bad}), "did not match", good[7:], "what was there stays")
			holds(t, at, "hello\n", 0o644)
			mustFail(t, get(values{"url": s.URL + "/a.txt", "dest": dir + "/new", "checksum": bad}), "did not match")
			mustOK(t, get(values{"url": s.URL + "/a.txt", "dest": dir + "/sums", "checksum": "sha256:" + s.URL + "/SUMS"}), true)
			mustOK(t, get(values{"url": s.URL + "/a.txt", "dest": dir + "/sums", "checksum": "sha256:" + s.URL + "/SUMS"}), false)
			mustFail(t, get(values{"url": s.URL + "/secret", "dest": dir + "/sums", "checksum": "sha256:" + s.URL + "/SUMS"}), "Unable to find a checksum for file")
			mustFail(t, get(values{"url": s.URL + "/a.txt", "dest": dir + "/sums", "checksum": "sha256:" + s.URL + "/none"}), "Unable to get checksum file")

			// Folders, check mode, what isn't there.
			if err := os.Mkdir(dir+"/sub", 0o755); err != nil {
				t.Fatal(err)
			}
			mustOK(t, get(values{"url": s.URL + "/a.txt?x=1", "dest": dir + "/sub"}, inCheck), true)
			mustFail(t, get(values{"url": s.URL + "/none", "dest": dir + "/sub"}, inCheck), "Request failed", "404")
			mustFail(t, get(values{"url": s.URL + "/a.txt", "dest": dir + "/sub", "checksum": bad}, inCheck), "did not match")
			mustOK(t, get(values{"url": s.URL + "/a.txt", "dest": at, "force": true}, inCheck), false)
			nothingElse(t, dir+"/sub")
			mustOK(t, get(values{"url": s.URL + "/a.txt?x=1", "dest": dir + "/sub/"}), true)
			mustOK(t, get(values{"url": s.URL + "/a.txt", "dest": dir + "/sub"}), false)
			nothingElse(t, dir+"/sub", "a.txt")
			mustFail(t, get(values{"url": s.URL + "/a.txt", "dest": dir + "/no/x"}), "Destination "+dir+"/no does not exist")
			r = get(values{"url": s.URL + "/none", "dest": dir + "/x"})
			mustFail(t, r, "Request failed", "404")
			if _, err := os.Stat(dir + "/x"); err == nil || (tool != "none" && r.Values["status_code"] != 404) {
				t.Errorf("something was put there, or %v", r.Values)
			}

			// Secrets are no command's words.
			r = get(values{
				"url": s.URL + "/secret", "dest": dir + "/s", "url_username": "me", "url_password": `p"a\ss word`,
				"headers": map[string]any{"X-Token": "t k"}, "http_agent": "me too",
			})
			mustOK(t, r, true)
			holds(t, dir+"/s", "me too", 0o644)
			r = mustOK(t, get(values{"url": s.URL + "/words", "dest": dir + "/w", "url_username": "u", "url_password": "geheim-4711", "headers": map[string]any{"A": "geheim-4711"}}), true)
			holds(t, dir+"/w", "false", 0o644)
			list, _ := filepath.Glob(dir + "/.thordeploy*")
			more, _ := filepath.Glob(dir + "/sub/.thordeploy*")
			if len(list)+len(more) > 0 {
				t.Errorf("left: %v %v", list, more)
			}
		})
	}
}

func TestGetURLUsesTheEnvironment(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "proxied ", r.URL.Host) }))
	t.Cleanup(proxy.Close)
	for _, tool := range []string{"curl", "wget", "busybox"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			prefix := onlyTool(t, tool)
			h := openHost(t, tool, prefix)
			dir := t.TempDir()
			mustOK(t, h.run(t, "get_url", values{"url": "http://far.example/x", "dest": dir + "/x"}, withEnv("http_proxy", proxy.URL)), true)
			holds(t, dir+"/x", "proxied far.example", 0o644)
			mustFail(t, h.run(t, "get_url", values{"url": proxy.URL + "/x", "dest": dir + "/y"}, withEnv("http_proxy", "a\nb")), "line break")
		})
	}
}

func TestGetURLTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "tls") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of each handshake that is meant to fail
	s.StartTLS()
	t.Cleanup(s.Close)
	for _, tool := range []string{"curl", "wget", "busybox", "none"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			prefix := onlyTool(t, tool)
			h := openHost(t, tool, prefix)
			dir := t.TempDir()
			mustFail(t, h.run(t, "get_url", values{"url": s.URL + "/x", "dest": dir + "/x"}), "certificate")
			if tool != "busybox" { // its TLS may know no curve that Go's server has
				mustOK(t, h.run(t, "get_url", values{"url": s.URL + "/x", "dest": dir + "/x", "validate_certs": false}), true)
				holds(t, dir+"/x", "tls", 0o644)
			}
		})
	}
}

func TestGetURLParameters(t *testing.T) {
	t.Parallel()
	h := openHost(t, "dash", "dash")
	for want, v := range map[string]values{
		"begins with http":         {"url": "file:///etc/passwd", "dest": "/x"},
		`://…@h`:                   {"url": `http://u:pw@h"`, "dest": "/x"},
		"must be ALGORITHM:DIGEST": {"url": "http://h/", "dest": "/x", "checksum": "abc"},
		"64 hexadecimal":           {"url": "http://h/", "dest": "/x", "checksum": "sha256:abc"},
		"the address in checksum":  {"url": "http://h/", "dest": "/x", "checksum": "sha256:file://x"},
		"can't be 0 seconds":       {"url": "http://h/", "dest": "/x", "timeout": 0},
		"can't hold a line break":  {"url": "http://h/", "dest": "/x", "headers": map[string]any{"A": "b\nc"}},
		"is not a file":            {"url": "http://h/", "dest": "/dev/null"},
	} {
		mustFail(t, h.run(t, "get_url", v), want)
	}
}
