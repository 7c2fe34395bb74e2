package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
	"thordeploy/scanner/ioc"
	"thordeploy/scanner/yara"
)

// ruleset is the rules and indicators of a scan, and what is wrong with them.
type ruleset struct {
	sets       []*yara.Set
	indicators ioc.Lists
	broken     []yara.Problem // what failed now: the scan isn't complete
	remarks    []string       // on lines that were left out and aren't missed
	files      []string       // every file read, which the scan leaves out
}

// matchers are what the scan holds its objects against.
func (r *ruleset) matchers(m *Main, timeout time.Duration) []scanner.Matcher {
	var list []scanner.Matcher
	if len(r.sets) > 0 {
		list = append(list, yara.NewMatcher(r.sets, yara.ThisSystem(m.Getenv), timeout))
	}
	if r.count() > 0 {
		list = append(list, r.indicators.Matcher())
	}
	return list
}

// count is how many indicators there are.
func (r *ruleset) count() int {
	n := 0
	for _, c := range r.indicators.Count {
		n += c
	}
	return n
}

// addIndicators reads the lists below dir. Of a list with many lines that can't
// be read the first are named.
func (r *ruleset) addIndicators(origin finding.Origin, dir string) error {
	had := len(r.indicators.Files)
	problems, err := r.indicators.Add(origin, dir)
	if err != nil {
		return err
	}
	r.files = append(r.files, r.indicators.Files[had:]...)
	bad := map[string]int{}
	for _, p := range problems {
		if p.Harmless {
			r.remarks = append(r.remarks, p.String())
			continue
		}
		if bad[p.File]++; bad[p.File] <= maxBadLines {
			r.broken = append(r.broken, yara.Problem{File: p.File, Line: p.Line, Message: p.Message})
		}
	}
	for _, file := range slices.Sorted(maps.Keys(bad)) {
		if more := bad[file] - maxBadLines; more > 0 {
			r.broken = append(r.broken, yara.Problem{File: file, Message: fmt.Sprintf("and %d further lines that can't be read", more)})
		}
	}
	return nil
}

// maxBadLines is how many unreadable lines of a list are named.
const maxBadLines = 5

func (r *ruleset) rules() int {
	n := 0
	for _, set := range r.sets {
		n += set.Rules
	}
	return n
}

// loadRules reads the compiled rules of the pack and compiles the user's.
func loadRules(opt *options) (*ruleset, error) {
	r := &ruleset{}
	var looked []string
	executable, err := executablePath()
	if err != nil && opt.signatures == "" {
		return nil, hinted{fmt.Errorf("cannot tell which folder this executable is in: %w", err), "name the folder of the rules with --signatures DIR"}
	}
	if !opt.customOnly {
		dir := opt.signatures
		if dir == "" {
			dir = filepath.Join(filepath.Dir(executable), "signatures")
		}
		looked = append(looked, filepath.Join(dir, "*.yac"))
		if err := r.loadCompiled(dir, opt.signatures != ""); err != nil {
			return nil, err
		}
		if err := r.addIndicators(finding.Internal, filepath.Join(dir, "iocs")); err != nil {
			return nil, err
		}
	}
	if executable != "" {
		dir := filepath.Join(filepath.Dir(executable), "custom-signatures", "yara")
		looked = append(looked, filepath.Join(dir, "*.yar"))
		if err := r.compileCustom(dir); err != nil {
			return nil, err
		}
		dir = filepath.Join(filepath.Dir(executable), "custom-signatures", "iocs")
		looked = append(looked, filepath.Join(dir, "*.txt"))
		if err := r.addIndicators(finding.Custom, dir); err != nil {
			return nil, err
		}
	}
	if r.rules()+r.count() == 0 {
		return nil, r.none(looked)
	}
	return r, nil
}

// none says that there is nothing to scan with, and why.
func (r *ruleset) none(looked []string) error {
	errs := []error{fmt.Errorf("no rules or indicators to scan with; looked for %s", strings.Join(looked, " and "))}
	for _, p := range r.broken {
		errs = append(errs, errors.New(p.String()))
	}
	return hinted{errors.Join(errs...), "compile rules with: thorscan signatures pack --out signatures/thor.yac RULES…"}
}

// loadCompiled loads each set in dir. A folder that the user named must exist.
func (r *ruleset) loadCompiled(dir string, named bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if !named && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("looking for compiled rules: %w", err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".yac" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		r.files = append(r.files, path)
		set, err := yara.Load(path, finding.Internal)
		if err != nil {
			r.broken = append(r.broken, yara.Problem{File: path, Message: err.Error()})
			continue
		}
		r.sets = append(r.sets, set)
	}
	return nil
}

// compileCustom compiles the user's rules, if there are any.
func (r *ruleset) compileCustom(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	files, err := yara.RuleFiles([]string{dir})
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return nil
	}
	set, err := yara.Compile(files, finding.Custom)
	if err != nil {
		return fmt.Errorf("the rules in %s: %w", dir, err)
	}
	r.files = append(r.files, files...)
	r.broken = append(r.broken, set.LeftOut...)
	if set.Rules > 0 {
		r.sets = append(r.sets, set)
	}
	return nil
}

// leftOut returns the rule files that the loaded sets lack since they were
// packed.
func (r *ruleset) leftOut() []yara.Problem {
	var out []yara.Problem
	for _, set := range r.sets {
		if set.Path != "" {
			out = append(out, set.LeftOut...)
		}
	}
	return slices.Clip(out)
}

// executablePath is os.Executable, and where /proc is missing, as in an empty
// chroot, what the program was called as.
func executablePath() (string, error) {
	path, err := os.Executable()
	if err == nil {
		return path, nil
	}
	if path, lookErr := exec.LookPath(os.Args[0]); lookErr == nil {
		return filepath.Abs(path)
	}
	return "", err
}
