package playbook

import (
	"path/filepath"
	"regexp"
	"slices"

	"thordeploy/internal/diag"
)

// findRole looks for the folder of a role; that there is none is reported.
func (ld *loader) findRole(use need) (string, bool) {
	places := ld.rolePlaces(use.name)
	for _, dir := range places {
		if ld.isDir(dir) {
			return dir, true
		}
	}
	defer ld.as(RuleStructure)()
	if ofCollection.MatchString(use.name) {
		ld.errorf(use.node, "put the role into a folder `roles/"+use.name+"`, or copy its folder there under a name of its own",
			"role `%s` is of a collection, and collections aren't looked up here", use.name)
		return "", false
	}
	hint := diag.DidYouMean(use.name, ld.roleNames())
	if hint != "" {
		ld.errorf(use.node, hint, "role `%s` is not there", use.name)
		return "", false
	}
	ld.missing(diag.Error, use.node, "role `"+use.name+"` is not there", places)
	return "", false
}

var ofCollection = regexp.MustCompile(`^\w+\.\w+\.[\w.]+$`)

// rolePlaces are where a role is looked up, as in Ansible: the playbook's
// roles/, the roles path, beside the role that needs it, beside the playbook.
func (ld *loader) rolePlaces(name string) []string {
	if filepath.IsAbs(name) {
		return []string{filepath.Clean(name)}
	}
	var places []string
	for _, dir := range ld.roleFolders() {
		places = append(places, filepath.Join(dir, name))
	}
	return unique(places)
}

func (ld *loader) roleFolders() []string {
	folders := append([]string{filepath.Join(ld.playDir(), "roles")}, ld.rolesPath...)
	if ld.role != nil {
		folders = append(folders, filepath.Dir(ld.role.Dir))
	}
	return append(folders, ld.playDir())
}

// roleNames lists the roles that are there, for "did you mean".
func (ld *loader) roleNames() []string {
	var names []string
	folders := ld.roleFolders()
	for _, dir := range folders[:len(folders)-1] {
		for _, e := range ld.entries(dir) {
			if e.IsDir() {
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
