package action

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// VarsFolder says which files of a folder hold variables (include_vars' dir).
type VarsFolder struct {
	Depth       int      // levels to go into; 0: all
	Extensions  []string // without their dot
	Match       string   // regular expression for names; empty: all
	Ignore      []string // regular expressions for the ends of names to leave out
	LeaveOthers bool     // leave files with other extensions alone, rather than refuse them
}

// VarsFiles lists the files of dir, in the order of their paths.
func VarsFiles(dir string, o VarsFolder) ([]string, error) {
	match, err := regexp.Compile(o.Match)
	if err != nil {
		return nil, fmt.Errorf("files_matching: %w", err)
	}
	var ignore []*regexp.Regexp
	for _, s := range o.Ignore {
		re, err := regexp.Compile("(?:" + s + ")$")
		if err != nil {
			return nil, fmt.Errorf("ignore_files: %w", err)
		}
		ignore = append(ignore, re)
	}
	var out []string
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path) // both are dir's
		switch {
		case e.IsDir():
			if o.Depth > 0 && rel != "." && strings.Count(rel, "/")+1 >= o.Depth {
				return fs.SkipDir
			}
			return nil
		case !match.MatchString(e.Name()), slices.ContainsFunc(ignore, func(re *regexp.Regexp) bool { return re.MatchString(e.Name()) }):
			return nil
		case !slices.Contains(o.Extensions, strings.TrimPrefix(filepath.Ext(path), ".")):
			if o.LeaveOthers {
				return nil
			}
			return fmt.Errorf("%s does not have a valid extension: %s", path, strings.Join(o.Extensions, ", "))
		}
		out = append(out, path)
		return nil
	})
	return out, err
}
