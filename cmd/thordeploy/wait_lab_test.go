package main

import (
	"strings"
	"testing"

	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

// A host that ends every connection, as one does that is started anew, is
// reached again; what comes later runs there.
func TestWaitForConnectionReachesAHostAgain(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{N: 1, Backend: lab.Sshd})
	labtest.LeavesNothing(t, l)
	dir := t.TempDir()
	const book = `
- hosts: all
  gather_facts: false
  tasks:
    - name: end every connection, a little later
      shell: |
        ( sleep 1
        for p in /proc/[0-9]*; do
          case $(tr '\0' ' ' <$p/cmdline) in "sshd: root"*|"sshd-session: root"*) kill -9 "${p#/proc/}" ;; esac
        done ) >/dev/null 2>&1 </dev/null &
    - {name: let it happen, pause: {seconds: 2}}
    - {name: wait, wait_for_connection: {timeout: 20, sleep: 1}, register: waited}
    - {name: after it, command: "echo reached again", register: said}
    - {name: check, assert: {that: [said.stdout == 'reached again', waited is not changed, waited.elapsed < 20]}}
`
	write(t, dir, "again.yml", book)
	start(t, dir, "-i", l.Inventory, "again.yml").ends(0, "ok=5", "unreachable=0", "failed=0")
	write(t, dir, "without.yml", strings.ReplaceAll(book, "wait_for_connection: {timeout: 20, sleep: 1}", "ping: "))
	start(t, dir, "-i", l.Inventory, "without.yml").ends(4, "unreachable=1")
}
