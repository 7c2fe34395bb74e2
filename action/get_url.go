package action

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// getURLSpec is ansible.builtin.get_url: the host downloads, with what it has.
func getURLSpec() *Spec {
	return &Spec{
		Name: "get_url",
		Params: []Param{
			{Name: "url", Type: String, Required: true, Doc: "what to download: http, https or ftp"},
			{Name: "dest", Type: Path, Required: true, Doc: "where on the host; in a folder it has the address's last part as its name, and is fetched each time"},
			{Name: "checksum", Type: String, Doc: "what it must be, as ALGORITHM:DIGEST or ALGORITHM:URL of a file of digests (md5, sha1, sha224, sha256, sha384, sha512)"},
			{Name: "force", Type: Bool, Default: false, Doc: "download where dest is there already, and replace it if it differs"},
			{Name: "backup", Type: Bool, Default: false, Doc: "keep what is replaced beside it, with the time in its name"},
			{Name: "mode", Type: Mode, Doc: "permissions"},
			{Name: "owner", Type: String, Doc: "account that owns it"},
			{Name: "group", Type: String, Doc: "group that owns it"},
			{Name: "timeout", Type: Int, Default: 10, Doc: "seconds that the server may take to answer, or be silent (busybox's wget: 15 minutes)"},
			{Name: "headers", Type: Dict, Doc: "HTTP headers to send; never in a command line"},
			{Name: "url_username", Aliases: []string{"username"}, Type: String, Doc: "account for HTTP basic authentication"},
			{Name: "url_password", Aliases: []string{"password"}, Type: String, Doc: "its password; never in a command line"},
			{Name: "force_basic_auth", Type: Bool, Default: false, Doc: "accepted; the account is sent at once"},
			{Name: "http_agent", Type: String, Default: "ansible-httpget", Doc: "the User-Agent header"},
			{Name: "validate_certs", Type: Bool, Default: true, Doc: "check the server's certificate"},
			{Name: "use_proxy", Type: Bool, Default: true, Doc: "go by http_proxy and its kin in the environment"},
			{Name: "tmp_dest", Type: Path, Doc: "accepted: what comes lies beside dest until it is whole"},
			{Name: "decompress", Type: Bool, Default: true, Doc: "accepted: what comes is kept as it is"},
			{Name: "unsafe_writes", Type: Bool, Default: false, Doc: "accepted; a file is always put in place as a whole"},
		},
		Doc: "Download a file to the host, with its curl or wget; where it has neither, it is downloaded here and sent.",
		Run: runGetURL,
	}
}

// download is one download to one host.
type download struct {
	call      *Call
	url       *url.URL
	algorithm string
	wanted    string // digest, lower-case hex; empty: any
	sums      string // address of a file of digests
	// What the host says.
	dest   string
	inside bool // dest named a folder
	state  string
	have   found
	sum    string // of what is there, by algorithm
	umask  uint32
	tool   string
}

func runGetURL(ctx context.Context, c *Call) Result {
	d, err := newDownload(c)
	if err != nil {
		return failed(err.Error(), hintOf(err))
	}
	if r := d.look(ctx); r.Failed {
		return r
	}
	if d.sums != "" {
		if r := d.findSum(ctx); r.Failed {
			return r
		}
	}
	start := time.Now()
	r := d.get(ctx)
	if r.Values != nil {
		r.Values["elapsed"] = int(time.Since(start).Seconds())
	}
	return r
}

var digestSizes = map[string]int{"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}

func newDownload(c *Call) (*download, error) {
	a := c.Args
	d := &download{call: c, algorithm: "sha1"}
	var err error
	if d.url, err = plainURL("url", a.Str("url")); err != nil {
		return nil, err
	}
	if n := a.Int("timeout"); n < 1 || n > maxWait {
		return nil, fmt.Errorf("timeout can't be %d seconds", n)
	}
	for _, text := range append(d.headers(), a.Str("url_username"), a.Str("url_password"), a.Str("http_agent")) {
		if strings.ContainsAny(text, "\r\n\x00") {
			return nil, &typeError{text: "headers, url_username, url_password and http_agent can't hold a line break"}
		}
	}
	for _, name := range sortedKeys(c.Env) {
		if strings.ContainsAny(c.Env[name], "\n\x00") {
			return nil, &typeError{text: fmt.Sprintf("the environment's %s holds a line break, which get_url can't hand on", name)}
		}
	}
	if sum := a.Str("checksum"); sum != "" {
		return d, d.readChecksum(sum)
	}
	return d, nil
}

// plainURL is an address that the host's programs and this one read alike.
func plainURL(which, text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	bad := strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' })
	if err != nil || bad || u.Host == "" || !slices.Contains([]string{"http", "https", "ftp"}, u.Scheme) {
		return nil, &typeError{text: fmt.Sprintf("%s must be an address that begins with http://, https:// or ftp://: %q", which, shorten(hideUser(text)))}
	}
	return u, nil
}

// hideUser is an address without an account's password in it.
func hideUser(text string) string {
	return regexp.MustCompile(`//[^/@]*@`).ReplaceAllString(text, "//…@")
}

func (d *download) readChecksum(text string) error {
	algorithm, sum, ok := strings.Cut(text, ":")
	algorithm, sum = strings.ToLower(strings.TrimSpace(algorithm)), strings.TrimSpace(sum)
	size, known := digestSizes[algorithm]
	if !ok || !known {
		return &typeError{text: fmt.Sprintf("checksum must be ALGORITHM:DIGEST: %q", shorten(text)), hint: "sha256:… is one; the algorithms are " + strings.Join(sortedKeys(digestSizes), ", ")}
	}
	d.algorithm = algorithm
	if strings.Contains(sum, "://") {
		_, err := plainURL("the address in checksum", sum)
		d.sums = sum
		return err
	}
	d.wanted = strings.ToLower(strings.Join(strings.Fields(sum), ""))
	if len(d.wanted) != size || strings.Trim(d.wanted, "0123456789abcdef") != "" {
		return &typeError{text: fmt.Sprintf("checksum: a digest of %s has %d hexadecimal digits: %q", algorithm, size, shorten(sum))}
	}
	return nil
}

// name is what the file is called in a folder.
func (d *download) name() string {
	if name := path.Base(d.url.Path); name != "/" && name != "." {
		return name
	}
	return "index.html"
}

// look asks what is at dest.
func (d *download) look(ctx context.Context) Result {
	reply, r := half(ctx, d.call, "get_url", d.call.Args.Str("dest"), d.name(), d.algorithm)
	if r.Failed {
		return r
	}
	v := reply.Values
	d.dest, d.inside, d.state, d.sum, d.tool = v["dest"], v["inside"] == "1", v["state"], v["sum"], v["tool"]
	d.have.readAt(v["at"])
	d.umask = umaskOf(v["umask"])
	switch {
	case !path.IsAbs(d.dest):
		return failed(fmt.Sprintf("the host named %q, which is no absolute path", text8(d.dest)), "")
	case d.state == "other":
		return failed(fmt.Sprintf("%s on the host is not a file: it is not replaced", text8(d.dest)), "")
	case d.state == "nofolder":
		return failed(fmt.Sprintf("Destination %s does not exist", text8(path.Dir(d.dest))), "make it first, with file: state=directory")
	}
	return r
}

// get downloads where that is called for.
func (d *download) get(ctx context.Context) Result {
	a := d.call.Args
	there := d.state == "file"
	r := Result{Values: map[string]any{"dest": text8(d.dest), "url": hideUser(a.Str("url"))}}
	if there {
		d.addFile(r, d.have)
		r.Values["checksum_dest"] = nil
		if d.algorithm == "sha1" {
			r.Values["checksum_dest"] = d.sum
		}
	}
	kept := there && d.wanted != "" && d.sum == d.wanted
	if kept || there && d.wanted == "" && !a.Bool("force") && !d.inside {
		r.Msg = "file already exists"
		r.Values["msg"] = r.Msg
		return d.attributes(ctx, r)
	}
	if why := d.notThere(); why != "" {
		return d.sendIt(ctx, r, why)
	}
	return d.fetchThere(ctx, r)
}

// notThere says why the host can't do it by itself: nothing where it can.
func (d *download) notThere() string {
	a := d.call.Args
	switch {
	case d.tool == "":
		return "the host has neither curl nor wget"
	case d.tool != "busybox":
		return ""
	case d.url.Scheme == "https" && a.Bool("validate_certs"):
		return "the host's wget is busybox's, which checks no certificates"
	case a.Has("url_username") || a.Has("headers") || d.url.User != nil:
		return "the host's wget is busybox's, which takes passwords and headers in its command line alone"
	}
	return ""
}

// addFile adds what is known of the file.
func (d *download) addFile(r Result, f found) {
	for k, v := range f.values() {
		r.Values[k] = v
	}
	r.Values["size"], r.Values["state"] = f.size, "file"
}

// wantMode is the mode that the file is to have.
func (d *download) wantMode() uint32 {
	base := 0o666 &^ d.umask
	if d.state == "file" {
		base = d.have.mode
	}
	if m := d.call.Args.Str("mode"); m != "" {
		return applyMode(m, base, false, d.umask)
	}
	return base
}

// attributes sets what differs of the file's mode and owner.
func (d *download) attributes(ctx context.Context, r Result) Result {
	a := d.call.Args
	var args []string
	if ownerDiffers(a, d.have) {
		args = attrArgs(args, "owner", ownerAndGroup(a), []string{d.dest})
	}
	if m := d.wantMode(); m != d.have.mode || len(args) > 0 && m&0o6000 != 0 { // chown takes setuid away
		args = attrArgs(args, "mode", chmodText(m), []string{d.dest})
		r.Values["mode"] = modeText(m)
	}
	r.Changed = r.Changed || len(args) > 0
	if len(args) == 0 || d.call.Check {
		return r
	}
	if _, bad := half(ctx, d.call, "copy_attrs", args...); bad.Failed {
		return bad
	}
	return r
}

// headers are the headers as lines.
func (d *download) headers() []string {
	m := d.call.Args.Dict("headers")
	var list []string
	for _, k := range sortedKeys(m) {
		v, err := toString(m[k])
		if err != nil {
			v = ""
		}
		list = append(list, k+": "+v)
	}
	return list
}
