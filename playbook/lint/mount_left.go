package lint

import (
	"slices"

	"thordeploy/internal/diag"
)

var mountLeft = Rule{
	ID: "mount-left", Severity: diag.Warning,
	Doc:   "a mount that nothing undoes when a task fails",
	Why:   "A task that fails ends the host's play: the unmount after it never runs, and ansible-playbook leaves the mount on the host. Under thordeploy only the guard takes it away.",
	check: checkMounts,
}

// checkMounts looks for the unmount of each mount on the failing path: in an
// always section, or in the rescue and after the block alike.
func checkMounts(p *pass) {
	p.tasks(func(s *step) {
		if s.always || s.handler {
			return
		}
		for _, at := range s.footprint().Mounts {
			at := clean(at)
			if !s.mountsForPlay(at) {
				continue
			}
			if undoes := s.undoneBy(at); undoes == nil {
				p.report(s.ModuleRange, "unmount it in the `always` section of a block around the tasks that use it",
					"nothing unmounts `%s`", at)
			} else if !slices.ContainsFunc(undoes, func(u *step) bool { return u.always }) {
				p.report(s.ModuleRange, "put the tasks that use it into a `block` and the unmount into its `always`",
					"`%s` stays mounted where a task fails before `%s`", at, undoes[0].Title())
			}
		}
	})
}

// mountsForPlay reports mounts that aren't meant to stay: of those that fstab
// has, the ones that the play itself unmounts later.
func (s *step) mountsForPlay(at string) bool {
	if s.module() != "mount" || s.text("state") == "ephemeral" {
		return true
	}
	return s.text("state") == "mounted" && s.undoneBy(at) != nil
}

// undoneBy lists the later tasks that unmount at.
func (s *step) undoneBy(at string) []*step {
	var out []*step
	for _, u := range s.play.steps[s.index+1:] {
		if !u.handler && slices.ContainsFunc(u.footprint().Removes, func(r string) bool { return clean(r) == at }) && !u.onlyRemovesFolder() {
			out = append(out, u)
		}
	}
	return out
}

// onlyRemovesFolder: rmdir and rm don't unmount.
func (s *step) onlyRemovesFolder() bool {
	if s.isCommand() {
		name, _ := s.program()
		return s.module() == "command" && base(name) != "umount"
	}
	return s.module() == "file"
}
