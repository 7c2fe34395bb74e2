package ioc

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"thordeploy/scanner/finding"
)

// digests are known contents by their digest.
type digests struct {
	md5    map[[md5.Size]byte]*Indicator
	sha1   map[[sha1.Size]byte]*Indicator
	sha256 map[[sha256.Size]byte]*Indicator
}

// add reads HASH, HASH;COMMENT or HASH;SCORE;COMMENT.
func (d *digests) add(ind *Indicator) error {
	text, rest, _ := strings.Cut(ind.Text, ";")
	text, ind.Score = strings.ToLower(strings.TrimSpace(text)), hashScore
	if score, comment, ok := strings.Cut(rest, ";"); ok {
		if n, err := strconv.Atoi(strings.TrimSpace(score)); err == nil {
			ind.Score, rest = n, comment
		}
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		ind.Description = rest
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return errors.New("not a digest: write 32, 40 or 64 hexadecimal digits")
	}
	ind.Text = text
	if name, ok := emptyish[text]; ok {
		return fmt.Errorf("the digest of %s, which every host has: %w", name, errEverywhere)
	}
	switch len(raw) {
	case md5.Size:
		put(&d.md5, [md5.Size]byte(raw), ind)
	case sha1.Size:
		put(&d.sha1, [sha1.Size]byte(raw), ind)
	case sha256.Size:
		put(&d.sha256, [sha256.Size]byte(raw), ind)
	default:
		return fmt.Errorf("not a digest: %d hexadecimal digits, not 32, 40 or 64", len(text))
	}
	return nil
}

// put adds an indicator; of equal digests the first counts.
func put[K comparable](m *map[K]*Indicator, key K, ind *Indicator) {
	if *m == nil {
		*m = map[K]*Indicator{}
	}
	if _, known := (*m)[key]; !known {
		(*m)[key] = ind
	}
}

// emptyish are digests of contents that are everywhere and stand in lists of
// indicators by mistake.
var emptyish = func() map[string]string {
	out := map[string]string{}
	for content, name := range map[string]string{"": "an empty file", "\n": "a file of one newline", "\r\n": "a file of one newline", "\x00": "a file of one zero byte", " ": "a file of one blank"} {
		m, s, l := md5.Sum([]byte(content)), sha1.Sum([]byte(content)), sha256.Sum256([]byte(content))
		for _, sum := range [][]byte{m[:], s[:], l[:]} {
			out[hex.EncodeToString(sum)] = name
		}
	}
	return out
}()

// find returns the indicator of a content, nil where there is none.
func (d *digests) find(sums *Sums, content []byte) *Indicator {
	if len(d.md5) > 0 {
		if ind := d.md5[sums.MD5(content)]; ind != nil {
			return ind
		}
	}
	if len(d.sha1) > 0 {
		if ind := d.sha1[sums.SHA1(content)]; ind != nil {
			return ind
		}
	}
	if len(d.sha256) > 0 {
		return d.sha256[sums.SHA256(content)]
	}
	return nil
}

// Sums are the digests of one content, each made when it is first asked for.
type Sums struct {
	md5    *[md5.Size]byte
	sha1   *[sha1.Size]byte
	sha256 *[sha256.Size]byte
}

// MD5 returns the MD5 of content.
func (s *Sums) MD5(content []byte) [md5.Size]byte { return once(&s.md5, content, md5.Sum) }

// SHA1 returns the SHA-1 of content.
func (s *Sums) SHA1(content []byte) [sha1.Size]byte { return once(&s.sha1, content, sha1.Sum) }

// SHA256 returns the SHA-256 of content.
func (s *Sums) SHA256(content []byte) [sha256.Size]byte {
	return once(&s.sha256, content, sha256.Sum256)
}

func once[T any](have **T, content []byte, sum func([]byte) T) T {
	if *have == nil {
		s := sum(content)
		*have = &s
	}
	return **have
}

// reasonOf is a match of a digest.
func reasonOf(ind *Indicator) finding.Reason {
	return ind.reason(finding.HashIOC, finding.Matched{Data: finding.NewText([]byte(ind.Text)), Field: "/hashes"})
}
