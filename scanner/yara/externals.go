package yara

import (
	"bufio"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hillu/go-yara/v4"

	"thordeploy/scanner"
)

// externals are the external variables that rules may use, with the values they
// are compiled with. All are strings but filemode, which is st_mode of
// inode(7).
func externals() map[string]any {
	return map[string]any{
		"filename": "", "filepath": "", "extension": "", "filetype": "", "owner": "", "group": "", "filemode": 0,
		"md5": "", "unpack_parent": "", "unpack_source": "",
		"timezone": "", "language": "", "osversion": "",
	}
}

// System is what rules may ask about the system the scan runs on.
type System struct {
	Timezone  string // "Europe/Berlin"
	Language  string // "en_US.UTF-8"
	OSVersion string // "Debian GNU/Linux 12 (bookworm)"
}

// ThisSystem looks the values up in their usual places. What isn't known stays
// empty.
func ThisSystem(getenv func(string) string) System {
	s := System{Language: getenv("LANG"), OSVersion: osVersion("/etc/os-release")}
	if target, err := os.Readlink("/etc/localtime"); err == nil {
		_, s.Timezone, _ = strings.Cut(target, "zoneinfo/")
	}
	if s.Timezone == "" {
		s.Timezone, _ = time.Now().Zone()
	}
	return s
}

// osVersion reads PRETTY_NAME of os-release(5).
func osVersion(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(value, `"'`)
		}
	}
	return ""
}

// define sets the variables that are the same for all objects of a scan.
func (s System) define(sc *yara.Scanner) error {
	return defineAll(sc, [][2]string{{"timezone", s.Timezone}, {"language", s.Language}, {"osversion", s.OSVersion}})
}

// defineObject sets the variables of one object. What an object doesn't have
// is set to its empty value, since the scanner keeps those of the last one.
func defineObject(sc *yara.Scanner, o *scanner.Object, usesMD5 bool) error {
	f := o.File
	if f == nil {
		f = &scanner.File{Base: o.Name}
	}
	values := [][2]string{
		{"filename", f.Base}, {"filepath", f.Dir}, {"extension", f.Extension}, {"filetype", o.Type},
		{"owner", f.Owner}, {"group", f.Group},
	}
	if usesMD5 {
		sum := md5.Sum(o.Data)
		values = append(values, [2]string{"md5", hex.EncodeToString(sum[:])})
	}
	if err := sc.DefineVariable("filemode", int64(f.Mode)); err != nil {
		return fmt.Errorf("setting the external variable filemode: %w", err)
	}
	return defineAll(sc, values)
}

func defineAll(sc *yara.Scanner, values [][2]string) error {
	for _, v := range values {
		if err := sc.DefineVariable(v[0], v[1]); err != nil {
			return fmt.Errorf("setting the external variable %s: %w", v[0], err)
		}
	}
	return nil
}
