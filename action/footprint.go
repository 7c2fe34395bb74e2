package action

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// commandFootprint is what a command line does to folders and mounts, as far
// as it can be told from its words: `mkdir`, `mount`, `umount`, `rmdir`, `rm -r`
// with absolute, literal paths. With shell, the line may hold several commands
// joined by newlines, `;`, `&&` and `||`.
func commandFootprint(line string, shell bool) Footprint {
	if !shell {
		words, err := splitWords(line)
		if err != nil {
			return Footprint{}
		}
		return wordsFootprint(words)
	}
	var all Footprint
	for _, words := range shellCommands(line) {
		f := wordsFootprint(words)
		all.Makes = append(all.Makes, f.Makes...)
		all.Mounts = append(all.Mounts, f.Mounts...)
		all.Removes = append(all.Removes, f.Removes...)
		if f.RAM {
			all.RAM, all.Size = true, f.Size
		}
	}
	return all
}

// wordsFootprint is commandFootprint for one command's words.
func wordsFootprint(words []string) Footprint {
	for len(words) > 0 && (words[0] == "sudo" || strings.Contains(words[0], "=")) {
		words = words[1:]
	}
	if len(words) == 0 {
		return Footprint{}
	}
	name := words[0][strings.LastIndexByte(words[0], '/')+1:]
	switch name {
	case "mkdir":
		_, paths := options(words[1:], "m", "mode")
		return Footprint{Makes: absolutes(paths)}
	case "rmdir":
		_, paths := options(words[1:], "", "")
		return Footprint{Removes: absolutes(paths)}
	case "umount":
		_, paths := options(words[1:], "tO", "types test-opts")
		return Footprint{Removes: absolutes(paths)}
	case "rm":
		given, paths := options(words[1:], "", "")
		if !given.has("r") && !given.has("R") && !given.has("recursive") {
			return Footprint{}
		}
		return Footprint{Removes: absolutes(paths)}
	case "mount":
		return mountWords(words[1:])
	}
	return Footprint{}
}

func mountWords(words []string) Footprint {
	given, rest := options(words, "tOoLUN", "types options target source label uuid")
	target := ""
	switch {
	case len(given["target"]) > 0:
		target = given["target"][0]
	case len(rest) == 2:
		target = rest[1]
	case len(rest) == 1 && given.has("source"):
		target = rest[0]
	}
	opts := strings.Join(append(given["o"], given["options"]...), ",")
	if strings.Contains(","+opts+",", ",remount,") {
		return Footprint{}
	}
	f := Footprint{Mounts: absolutes([]string{target})}
	if len(f.Mounts) == 0 {
		return Footprint{}
	}
	for _, t := range append(given["t"], given["types"]...) {
		f.RAM = f.RAM || isRAM(t)
	}
	if size, err := sizeOption(opts); err == nil && f.RAM {
		f.Size = size.bytes
	}
	return f
}

// givenOptions are a command's options with their values ("" for none).
type givenOptions map[string][]string

func (g givenOptions) has(name string) bool { _, ok := g[name]; return ok }

// options splits words into options and the rest as getopt(3) does. withValue
// are the letters, longWithValue the long names, that take a value.
func options(words []string, withValue, longWithValue string) (givenOptions, []string) {
	given := givenOptions{}
	var rest []string
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "--":
			return given, append(rest, words[i+1:]...)
		case strings.HasPrefix(w, "--"):
			name, value, inline := strings.Cut(w[2:], "=")
			if !inline && contains(longWithValue, name) && i+1 < len(words) {
				i++
				value = words[i]
			}
			given[name] = append(given[name], value)
		case len(w) > 1 && w[0] == '-':
			i += letters(given, w[1:], withValue, words[i+1:])
		default:
			rest = append(rest, w)
		}
	}
	return given, rest
}

// letters reads one cluster of letters; it returns how many of the next words
// it took.
func letters(given givenOptions, cluster, withValue string, next []string) int {
	for j := 0; j < len(cluster); j++ {
		name := cluster[j : j+1]
		if !strings.Contains(withValue, name) {
			given[name] = append(given[name], "")
			continue
		}
		if j+1 < len(cluster) {
			given[name] = append(given[name], cluster[j+1:])
			return 0
		}
		if len(next) > 0 {
			given[name] = append(given[name], next[0])
			return 1
		}
		return 0
	}
	return 0
}

func contains(list, name string) bool {
	for _, n := range strings.Fields(list) {
		if n == name {
			return true
		}
	}
	return false
}

// absolutes keeps the absolute, literal paths, clean. What a shell might still
// expand is not literal.
func absolutes(paths []string) []string {
	var list []string
	for _, p := range paths {
		if !strings.ContainsAny(p, "*?[]$`{}~") {
			list = append(list, absolute(p)...)
		}
	}
	return list
}

// shellCommands splits a shell line into the words of its simple commands. A
// line that it can't follow has none.
func shellCommands(line string) [][]string {
	var commands [][]string
	var part strings.Builder
	quote, escaped := rune(0), false
	flush := func() {
		if words, err := splitWords(part.String()); err == nil && len(words) > 0 {
			commands = append(commands, words)
		}
		part.Reset()
	}
	for _, r := range line {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case strings.ContainsRune("()<>", r):
			return nil
		case strings.ContainsRune(";&|\n", r):
			flush()
			continue
		}
		part.WriteRune(r)
	}
	flush()
	return commands
}

// ramSize is a size= option: bytes, or a share of the memory.
type ramSize struct {
	bytes   int64
	percent int64
}

// half is the size as mount.sh takes it.
func (s ramSize) half() string {
	switch {
	case s.percent > 0:
		return fmt.Sprintf("%d%%", s.percent)
	case s.bytes > 0:
		return fmt.Sprint((s.bytes + 1023) >> 10)
	}
	return ""
}

// sizeOption reads size= among mount options, as tmpfs(5) has it: bytes, with
// k, m, g or t, or a percentage of the memory. None is the zero value.
func sizeOption(opts string) (ramSize, error) {
	var s ramSize
	for _, o := range strings.Split(opts, ",") {
		text, ok := strings.CutPrefix(strings.TrimSpace(o), "size=")
		if !ok {
			continue
		}
		n, err := readSize(text)
		if err != nil {
			return ramSize{}, err
		}
		s = n
	}
	return s, nil
}

func readSize(text string) (ramSize, error) {
	bad := &typeError{text: fmt.Sprintf("size= must be a number of bytes, with k, m, g or %% perhaps: %q", shorten(text)), hint: "for example size=60M"}
	digits := strings.TrimRight(text, "kKmMgGtT%")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || len(text)-len(digits) > 1 {
		return ramSize{}, bad
	}
	unit := int64(1)
	switch text[len(digits):] {
	case "%":
		if n < 1 || n > 1000 {
			return ramSize{}, bad
		}
		return ramSize{percent: n}, nil
	case "k", "K":
		unit = 1 << 10
	case "m", "M":
		unit = 1 << 20
	case "g", "G":
		unit = 1 << 30
	case "t", "T":
		unit = 1 << 40
	}
	if n > math.MaxInt64/unit {
		return ramSize{}, bad
	}
	return ramSize{bytes: n * unit}, nil
}
