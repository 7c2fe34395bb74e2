package inventory

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What a folder of inventories holds beside them: ansible-core's
// INVENTORY_IGNORE_EXTS and the names its inventory manager passes over.
var (
	ignoredEnds  = []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"}
	ignoredNames = []string{"group_vars", "host_vars", "vars_plugins"}
)

// maxFolderDepth is how deep folders of inventories may nest.
const maxFolderDepth = 20

// readFolder reads every inventory in a folder and the folders below, by name.
func readFolder(d *draft, path string, depth int) {
	s := &source{draft: d, name: path}
	if depth > maxFolderDepth {
		s.whole(fmt.Sprintf("the folders of inventories nest more than %d deep", maxFolderDepth), "is one of them a link to itself?")
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		s.whole("the folder of inventories can't be read: "+plainCause(err), "check its permissions")
		return
	}
	for _, e := range entries { // sorted by name
		name := e.Name()
		if strings.HasPrefix(name, ".") || slices.Contains(ignoredNames, name) ||
			slices.ContainsFunc(ignoredEnds, func(end string) bool { return strings.HasSuffix(name, end) }) {
			continue
		}
		readEntry(d, filepath.Join(path, name), depth+1)
	}
}

// readEntry reads what lies in a folder of inventories.
func readEntry(d *draft, path string, depth int) {
	s := &source{draft: d, name: path}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		s.whole("the inventory can't be opened: "+plainCause(err), "check the path and its permissions")
	case info.IsDir():
		readFolder(d, path, depth)
	default:
		s.readFile(info)
	}
}
