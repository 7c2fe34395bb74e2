package action

import (
	"context"
	"crypto/md5"  //nolint:gosec // the user's choice
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// What a host can't download by itself is downloaded here and sent.

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "md5":
		return md5.New() //nolint:gosec // see above
	case "sha224":
		return sha256.New224()
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	}
	return sha1.New() //nolint:gosec // see above
}

// sendIt downloads to a private file here and sends it as copy does.
func (d *download) sendIt(ctx context.Context, r Result, why string) Result {
	temp, err := os.CreateTemp("", "thordeploy-")
	if err != nil {
		return failed("downloading: "+err.Error(), "")
	}
	defer func() { _ = errors.Join(temp.Close(), os.Remove(temp.Name())) }()
	h := newHash(d.algorithm)
	n, err := d.readHere(ctx, d.url.String(), io.MultiWriter(temp, h))
	if err != nil {
		return d.refused("fetch", fmt.Sprintf("downloading here, since %s: %v", why, hideError(err)), r)
	}
	sum := hex.EncodeToString(h.Sum(nil))
	r.Values["size"], r.Values["checksum_src"] = n, sum
	r.Values["status_code"] = 200
	r.Msg = fmt.Sprintf("OK (%d bytes): downloaded here and sent, since %s", n, why)
	r.Values["msg"] = r.Msg
	switch {
	case d.wanted != "" && sum != d.wanted:
		return d.refused("checksum", "", r)
	case sum == d.sum:
		return d.attributes(ctx, r)
	}
	if d.call.Check {
		r.Changed = true
		return r
	}
	if d.call.Args.Bool("backup") && d.state == "file" {
		reply, bad := half(ctx, d.call, "copy_attrs", attrArgs(nil, "backup", "-", []string{d.dest})...)
		if bad.Failed {
			return bad
		}
		r.Values["backup_file"] = text8(reply.Values["backup"])
	}
	if _, err := temp.Seek(0, io.SeekStart); err != nil {
		return failed("downloading: "+err.Error(), "")
	}
	in := incoming{
		target: d.dest, size: n, mode: d.wantMode(), owner: d.owner(),
		write: func(w io.Writer) error { _, err := io.Copy(w, temp); return err },
	}
	now, bad := in.send(ctx, d.call)
	if bad.Failed {
		return bad
	}
	d.addFile(r, now)
	r.Changed = true
	return r
}

// hideError is an error of net/http without an account in its address.
func hideError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// textHere is a small file, downloaded here.
func (d *download) textHere(ctx context.Context, address string) (string, Result) {
	var b limitedText
	if _, err := d.readHere(ctx, address, &b); err != nil {
		return "", failed(fmt.Sprintf("Unable to get checksum file info from %q: %v", hideUser(address), hideError(err)), "")
	}
	return string(b), Result{}
}

// limitedText keeps the first maxSums bytes written to it.
type limitedText []byte

func (t *limitedText) Write(p []byte) (int, error) {
	*t = append(*t, p[:min(len(p), maxSums-len(*t))]...)
	return len(p), nil
}

// readHere downloads an address to w.
func (d *download) readHere(ctx context.Context, address string, w io.Writer) (int64, error) {
	a := d.call.Args
	quiet := time.Duration(a.Int("timeout")) * time.Second
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("User-Agent", a.Str("http_agent"))
	for k, v := range a.Dict("headers") {
		text, err := toString(v)
		if err != nil {
			return 0, fmt.Errorf("header %s: %w", k, err)
		}
		req.Header.Set(k, text)
	}
	if a.Has("url_username") {
		req.SetBasicAuth(a.Str("url_username"), a.Str("url_password"))
	}
	resp, err := d.client(quiet).Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end, or given up
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("HTTP error %d: %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	silence := time.AfterFunc(quiet, func() { cancel(fmt.Errorf("nothing came for %v", quiet)) })
	defer silence.Stop()
	n, err := io.Copy(w, awake{resp.Body, func() { silence.Reset(quiet) }})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return n, err
}

// awake is a reader that tells of each read that brought something.
type awake struct {
	io.Reader
	came func()
}

func (a awake) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 {
		a.came()
	}
	return n, err
}

func (d *download) client(quiet time.Duration) *http.Client {
	a := d.call.Args
	t := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: quiet}).DialContext,
		TLSHandshakeTimeout:   quiet,
		ResponseHeaderTimeout: quiet,
		DisableCompression:    true,
		DisableKeepAlives:     true,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: !a.Bool("validate_certs")}, //nolint:gosec // the user's choice
	}
	if a.Bool("use_proxy") {
		t.Proxy = http.ProxyFromEnvironment
	}
	return &http.Client{Transport: t}
}
