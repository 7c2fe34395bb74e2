// Package yara matches YARA rules. It is the one package of the project that
// uses cgo: libyara 4.5 is compiled in.
//
// Rule files are compiled at pack time into a [Set] that [Set.WriteFile] saves
// and [Load] reads back, on any architecture, or compiled at start
// ([Compile]). A [Matcher] matches one or more sets on a scan's objects.
//
//	rule files --Compile--> Set --WriteFile--> thor.yac --Load--> Set --NewMatcher--> Matcher
//
// A file that doesn't compile is a [Problem] and loses only itself: each file
// has a namespace of its own, so nothing in one can break another. Rules may
// not include files.
package yara

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hillu/go-yara/v4"
	"golang.org/x/sys/unix"

	"thordeploy/scanner/finding"
)

// Set is a compiled set of rules. It doesn't change, and may be shared.
type Set struct {
	Origin  finding.Origin
	Rules   int       // number of rules
	Files   int       // number of rule files in it
	LeftOut []Problem // rule files that didn't compile when the set was made
	Path    string    // the file it was loaded from; empty for one just compiled

	usesMD5  bool // a rule asks for the external variable md5
	compiled *yara.Rules
}

// Problem is one rule file that isn't in a set, with the place and the reason.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"` // 0: the whole file
	Message string `json:"message"`
}

// String returns "file:line: message".
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Message)
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
}

// RuleFiles returns the files named *.yar or *.yara in paths, which are files
// (of any name) and folders, in a stable order. Symlinks within folders are
// followed to files only.
func RuleFiles(paths []string) ([]string, error) {
	var files []string
	for _, root := range paths {
		info, err := os.Stat(root)
		if err != nil {
			return nil, fmt.Errorf("looking for rules: %w", err)
		}
		if !info.IsDir() {
			files = append(files, root)
			continue
		}
		err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			ext := strings.ToLower(filepath.Ext(path))
			if !d.IsDir() && (ext == ".yar" || ext == ".yara") {
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("looking for rules in %s: %w", root, err)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// Compile compiles rule files into a set. Files that can't be read or don't
// compile are listed in the set's LeftOut; the others are in it. A set without
// any rule is no error.
func Compile(files []string, origin finding.Origin) (*Set, error) {
	set := &Set{Origin: origin}
	all, err := newCompiler(true)
	if err != nil {
		return nil, err
	}
	defer all.Destroy()
	for _, file := range files {
		text, err := readRules(file)
		if err != nil {
			set.LeftOut = append(set.LeftOut, Problem{File: file, Message: err.Error()})
			continue
		}
		// libyara's compiler is of no use after an error, so each file is
		// tried in one of its own first.
		usesMD5, problem := try(file, string(text))
		if problem != nil {
			set.LeftOut = append(set.LeftOut, *problem)
			continue
		}
		set.usesMD5 = set.usesMD5 || usesMD5
		if err := all.AddString(string(text), file); err != nil {
			return nil, fmt.Errorf("compiling %s together with the other rules: %w", file, err)
		}
		set.Files++
	}
	if set.compiled, err = all.GetRules(); err != nil {
		return nil, fmt.Errorf("compiling %d rule files: %w", set.Files, err)
	}
	set.Rules = len(set.compiled.GetRules())
	return set, nil
}

// readRules reads a rule file.
func readRules(path string) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// openRegular opens a regular file. Anything else is an error: a FIFO would
// hang the scan's start, and a device never end.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, unwrapPath(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// try compiles one file alone. It reports whether the rules use the external
// variable md5, which costs a digest of every object, by leaving it undefined
// at first.
func try(file, text string) (usesMD5 bool, problem *Problem) {
	if at := strings.IndexByte(text, 0); at >= 0 {
		// libyara would stop reading there, without a word.
		line := 1 + strings.Count(text[:at], "\n")
		return false, &Problem{File: file, Line: line, Message: "it has a zero byte; rules are plain text"}
	}
	for _, withMD5 := range []bool{false, true} {
		c, err := newCompiler(withMD5)
		if err != nil {
			return false, &Problem{File: file, Message: err.Error()}
		}
		err = c.AddString(text, file)
		messages := c.Errors
		c.Destroy()
		if err == nil {
			return withMD5, nil
		}
		problem = &Problem{File: file, Message: err.Error()}
		if len(messages) > 0 {
			problem.Line, problem.Message = messages[0].Line, messages[0].Text
		}
		if !strings.Contains(problem.Message, `"md5"`) {
			break
		}
	}
	return false, problem
}

// newCompiler returns a compiler that knows the external variables and
// includes nothing.
func newCompiler(withMD5 bool) (*yara.Compiler, error) {
	c, err := yara.NewCompiler()
	if err != nil {
		return nil, fmt.Errorf("starting the YARA compiler: %w", err)
	}
	c.DisableIncludes()
	for name, value := range externals() {
		if name == "md5" && !withMD5 {
			continue
		}
		if err := c.DefineVariable(name, value); err != nil {
			c.Destroy()
			return nil, fmt.Errorf("defining the external variable %s: %w", name, err)
		}
	}
	return c, nil
}
