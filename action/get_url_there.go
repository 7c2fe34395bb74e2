package action

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// maxSums bounds a file of digests.
const maxSums = 1 << 20

// fetchThere has the host download.
func (d *download) fetchThere(ctx context.Context, r Result) Result {
	a := d.call.Args
	have := d.sum
	if d.wanted != "" {
		have = "" // what is there is known to be another
	}
	args := append([]string{
		d.tool, path.Dir(d.dest), path.Base(d.dest), privateName(), d.algorithm, d.wanted, have,
		chmodText(d.wantMode()), d.owner(), yesNo(a.Bool("backup")), yesNo(d.call.Check), strconv.Itoa(a.Int("timeout")),
	}, d.options()...)
	s, err := streamHalf(ctx, d.call, "get_url_fetch", args, d.tell(d.url.String()), nil)
	if err != nil {
		return broken(fmt.Errorf("downloading: %w", err))
	}
	return d.ended(ctx, r, s)
}

// owner is OWNER:GROUP; what the task doesn't name stays as it is.
func (d *download) owner() string {
	if d.state == "file" {
		return keepOwner(d.call.Args, d.have)
	}
	return ownerAndGroup(d.call.Args)
}

// privateName is a name that nobody can guess.
func privateName() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	return ".thordeploy-" + hex.EncodeToString(random)
}

// options are the tool's options that are no secret.
func (d *download) options() []string {
	a := d.call.Args
	var list []string
	switch d.tool {
	case "wget":
		if !a.Bool("validate_certs") {
			list = append(list, "--no-check-certificate")
		}
		if !a.Bool("use_proxy") {
			list = append(list, "--no-proxy")
		}
		list = append(list, "--user-agent="+a.Str("http_agent"))
	case "busybox":
		if !a.Bool("validate_certs") && d.url.Scheme == "https" {
			list = append(list, "--no-check-certificate")
		}
		if !a.Bool("use_proxy") {
			list = append(list, "-Y", "off")
		}
		list = append(list, "-U", a.Str("http_agent"))
	}
	return list
}

// tell writes what get_url_fetch.sh reads: the environment, the address, and
// the tool's configuration, which may hold secrets.
func (d *download) tell(address string) func(io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", len(d.call.Env))
	for _, name := range sortedKeys(d.call.Env) {
		fmt.Fprintf(&b, "%s=%s\n", name, d.call.Env[name])
	}
	b.WriteString(address + "\n")
	switch d.tool {
	case "curl":
		b.WriteString(d.curlConfig(address))
	case "wget":
		b.WriteString(d.wgetConfig())
	}
	return func(w io.Writer) error { _, err := io.WriteString(w, b.String()); return err }
}

// curlConfig is a configuration file of curl(1).
func (d *download) curlConfig(address string) string {
	a := d.call.Args
	seconds := strconv.Itoa(a.Int("timeout"))
	var b strings.Builder
	set := func(key, value string) {
		fmt.Fprintf(&b, "%s = \"%s\"\n", key, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value))
	}
	b.WriteString("fail\nsilent\nshow-error\nlocation\ngloboff\n")
	set("url", address)
	set("proto", "=http,https,ftp")
	set("proto-redir", "=http,https,ftp")
	set("connect-timeout", seconds)
	set("speed-time", seconds)
	set("speed-limit", "1")
	set("max-redirs", "10")
	set("user-agent", a.Str("http_agent"))
	if a.Has("url_username") {
		set("user", a.Str("url_username")+":"+a.Str("url_password"))
	}
	for _, h := range d.headers() {
		set("header", h)
	}
	if !a.Bool("validate_certs") {
		b.WriteString("insecure\n")
	}
	if !a.Bool("use_proxy") {
		set("noproxy", "*")
	}
	return b.String()
}

// wgetConfig is a wgetrc of GNU Wget.
func (d *download) wgetConfig() string {
	a := d.call.Args
	var b strings.Builder
	if a.Has("url_username") {
		fmt.Fprintf(&b, "user = %s\npassword = %s\nauth_no_challenge = on\n", a.Str("url_username"), a.Str("url_password"))
	}
	for _, h := range d.headers() {
		fmt.Fprintf(&b, "header = %s\n", h)
	}
	return b.String()
}

var httpStatus = regexp.MustCompile(`(?i)error:?(?: HTTP/[0-9.]+)? ([1-5][0-9][0-9])\b`)

// ended reads what get_url_fetch.sh says.
func (d *download) ended(ctx context.Context, r Result, s streamed) Result {
	said := strings.TrimSpace(hideUser(text8(s.stderr)))
	same := false
	for line := range strings.Lines(s.stdout) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "got":
			sum, size, _ := strings.Cut(rest, " ")
			n, _ := strconv.ParseInt(size, 10, 64) // wc's own number
			r.Values["size"] = n
			r.Values["checksum_src"] = sum
		case "sum": // check mode
			r.Values["checksum_src"] = rest
		case "same":
			same = true
		case "backup":
			name, _ := hex.DecodeString(rest) // of od's making
			r.Values["backup_file"] = text8(string(name))
		case "at":
			var f found
			f.readAt(rest)
			d.addFile(r, f)
		case "failed":
			return d.refused(rest, said, r)
		}
	}
	if s.code != 0 {
		return failed(fmt.Sprintf("downloading %s: the host's shell ended with exit status %d: %s", hideUser(d.url.String()), s.code, said), diskHint(said))
	}
	r.Values["status_code"], r.Values["msg"] = 200, "OK"
	if size := r.Values["size"]; size != nil && !d.call.Check {
		r.Values["msg"] = fmt.Sprintf("OK (%v bytes)", size)
	}
	if same {
		return d.attributes(ctx, r)
	}
	r.Changed = true
	return r
}

// refused words why a download failed.
func (d *download) refused(why, said string, r Result) Result {
	var bad Result
	switch why {
	case "fetch":
		bad = failed(fmt.Sprintf("Request failed: %s: %s", hideUser(d.url.String()), said), "check the address, and whether the host reaches it; `environment` may name a proxy")
		bad.Values = map[string]any{"url": hideUser(d.url.String()), "dest": text8(d.dest), "status_code": -1, "response": said}
		if m := httpStatus.FindStringSubmatch(said); m != nil {
			bad.Values["status_code"], _ = strconv.Atoi(m[1]) // digits
		}
	case "checksum":
		bad = failed(fmt.Sprintf("The checksum for %s did not match %s; it was %v.", text8(d.dest), d.wanted, r.Values["checksum_src"]), "what was there stays")
	case "algorithm":
		bad = failed(fmt.Sprintf("the host has no %ssum to check the download with", d.algorithm), "use an algorithm that it has: sha256, or md5")
	default:
		bad = failed(fmt.Sprintf("downloading to %s: %s", text8(d.dest), reasonText(why, 1)), diskHint(said))
		if said != "" {
			bad.Msg += ": " + said
		}
	}
	return bad
}

// findSum downloads the file of digests and takes the one for this file.
func (d *download) findSum(ctx context.Context) Result {
	text, r := d.textOf(ctx, d.sums)
	if r.Failed {
		return r
	}
	size := digestSizes[d.algorithm]
	var lone []string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || len(words[0]) != size || strings.Trim(strings.ToLower(words[0]), "0123456789abcdef") != "" {
			continue
		}
		switch {
		case len(words) == 1:
			lone = append(lone, words[0])
		case path.Base(strings.TrimLeft(words[1], "*.")) == d.name():
			d.wanted = strings.ToLower(words[0])
			return Result{}
		}
	}
	if len(lone) == 1 {
		d.wanted = strings.ToLower(lone[0])
		return Result{}
	}
	return failed(fmt.Sprintf("Unable to find a checksum for file %q in %q", d.name(), hideUser(d.sums)), "the file must have a line `DIGEST  NAME`")
}

// textOf is what another address holds, fetched the same way.
func (d *download) textOf(ctx context.Context, address string) (string, Result) {
	if d.notThere() != "" {
		return d.textHere(ctx, address)
	}
	var text []byte
	args := append([]string{d.tool, "", "", "", "", "", "", "", "", "", "", strconv.Itoa(d.call.Args.Int("timeout"))}, d.options()...)
	s, err := streamHalf(ctx, d.call, "get_url_fetch", args, d.tell(address), func(r io.Reader) error {
		var err error
		text, err = io.ReadAll(io.LimitReader(r, maxSums))
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		return err
	})
	switch {
	case err != nil:
		return "", broken(fmt.Errorf("downloading %s: %w", hideUser(address), err))
	case s.code != 0:
		return "", failed(fmt.Sprintf("Unable to get checksum file info from %q: %s", hideUser(address), strings.TrimSpace(hideUser(text8(s.stderr)))), "")
	}
	return string(text), Result{}
}
