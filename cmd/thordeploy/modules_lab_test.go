package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"thordeploy/action"
	"thordeploy/internal/lab"
	"thordeploy/internal/lab/labtest"
)

// everyModule has each module that acts on a host, with what it must have done.
const everyModule = `
- hosts: all
  gather_facts: false
  vars: {d: /root/every}
  tasks:
    - {name: ping, ping: , register: pong}
    - {name: facts, setup: }
    - {name: mkdir, mkdir: "{{ d }}"}
    - {name: command, command: "printf %s hello", register: said}
    - {name: shell, shell: "echo $0 | wc -l && exit 3", register: shelled, failed_when: shelled.rc != 3}
    - {name: in the background, shell: "sleep 0.2; echo late", async: 30, poll: 0, register: job}
    - {name: async_status, async_status: {jid: "{{ job.ansible_job_id }}"}, register: later, until: later.finished, retries: 50, delay: 0.1}
    - {name: its file, async_status: {jid: "{{ job.ansible_job_id }}", mode: cleanup}}
    - {name: raw, raw: "echo raw >{{ d }}/raw"}
    - {name: script, script: "hello.sh there", register: scripted}
    - {name: copy a tree, copy: {src: tree, dest: "{{ d }}"}}
    - {name: copy a text, copy: {content: "one\n", dest: "{{ d }}/lines", mode: "0600"}, register: copied}
    - {name: copy it again, copy: {content: "one\n", dest: "{{ d }}/lines", mode: "0600"}, register: again}
    - {name: file, file: {path: "{{ d }}/link", state: link, src: lines}}
    - {name: lineinfile, lineinfile: {path: "{{ d }}/lines", line: two}}
    - {name: template, template: {src: t.j2, dest: "{{ d }}/t", mode: "0640"}, register: templated}
    - {name: what it made, command: "cat {{ d }}/t", register: made}
    - {name: get_url, get_url: {url: "{{ url }}/a.txt", dest: "{{ d }}"}, register: got}
    - {name: unarchive, unarchive: {src: a.tar, dest: "{{ d }}"}}
    - {name: package, package: {name: no-such-package-4711, state: absent}, register: p, failed_when: "p.failed and 'the host has no' not in p.msg"}
    - {name: apt, apt: {name: dpkg}, register: p, failed_when: "p.failed and 'the host has no' not in p.msg"}
    - {name: dnf, dnf: {name: x}, register: dnf, failed_when: "'the host has no dnf' not in dnf.msg"}
    - {name: yum, yum: {name: x}, register: yum, failed_when: "'the host has no yum' not in yum.msg"}
    - {name: service, service: {name: no-such-4711, state: started}, register: served, failed_when: "'Could not find the requested service' not in served.msg"}
    - {name: systemd, systemd: {name: no-such-4711, state: started}, register: served, failed_when: served.msg == ''}
    - {name: synchronize, synchronize: {src: tree/, dest: "{{ d }}/synced"}, register: p, failed_when: "p.failed and 'the host has no rsync' not in p.msg"}
    - {name: blockinfile, blockinfile: {path: "{{ d }}/block", block: inside, create: true}}
    - {name: replace, replace: {path: "{{ d }}/block", regexp: inside, replace: outside}}
    - {name: slurp, slurp: {src: "{{ d }}/lines"}, register: slurped}
    - {name: stat, stat: {path: "{{ d }}/link"}, register: looked}
    - {name: find, find: {paths: "{{ d }}", patterns: "*.txt", recurse: true}, register: found}
    - {name: tempfile, tempfile: {path: "{{ d }}", state: file}, register: temp}
    - {name: wait_for, wait_for: {path: "{{ d }}/lines", search_regex: two, timeout: 5}}
    - {name: mount, mount: {path: "{{ d }}/ram", src: ramfs, fstype: ramfs, opts: size=1M, state: ephemeral}}
    - {name: write there, copy: {content: ram, dest: "{{ d }}/ram/file"}}
    - {name: fetch, fetch: {src: "{{ d }}/ram/file", dest: got/, flat: true}}
    - {name: unmount, unmount: {path: "{{ d }}/ram", remove: true}}
    - name: what they did
      assert:
        that:
          - pong.ping == 'pong'
          - ansible_hostname == inventory_hostname
          - said.stdout == 'hello' and said is changed
          - shelled.stdout == '1'
          - later.stdout == 'late' and later.rc == 0
          - (scripted.stdout | trim) == 'hello there'
          - copied is changed and again is not changed
          - looked.stat.islnk
          - (slurped.content | b64decode) == 'one\ntwo\n'
          - found.matched == 2 + (0 if p.failed or p.rc != 0 else 1)
          - temp.path is match(d)
          - made.stdout == '1 of 2\n2 of 2\nhello ' ~ inventory_hostname and templated.mode == '0640'
          - got.dest == d ~ '/a.txt' and got.size == 6
    - {name: clean up, file: {path: "{{ d }}", state: absent}}
`

func TestEveryModuleOverSSH(t *testing.T) {
	t.Parallel()
	for _, name := range action.Names() {
		if spec, _ := action.Lookup(name); !spec.Local && !regexp.MustCompile(`[ {]`+spec.Name+`: `).MatchString(everyModule) {
			t.Errorf("module %s is in no task", spec.Name)
		}
	}
	for _, sh := range []string{"dash", "busybox"} {
		t.Run(sh, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, lab.Options{N: 1, Shell: sh, Backend: lab.Sshd})
			labtest.LeavesNothing(t, l)
			dir := t.TempDir()
			write(t, dir, "every.yml", everyModule)
			write(t, dir, "hello.sh", "#!/bin/sh\necho hello \"$1\"\n")
			write(t, dir, "tree/a b/c.txt", "text")
			write(t, dir, "templates/t.j2", "{% for i in [1, 2] %}\n{{ loop.index }} of {{ loop.length }}\n{% endfor %}\n{% include 'who.j2' %}\n")
			write(t, dir, "templates/who.j2", "hello {{ inventory_hostname }}\n")
			if out, err := exec.Command("tar", "-cf", dir+"/a.tar", "-C", dir, "tree").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello\n")) }))
			t.Cleanup(site.Close)
			start(t, dir, "-i", l.Inventory, "-e", "url="+site.URL, "every.yml").ends(0, "failed=0")
			if text, err := os.ReadFile(dir + "/got/file"); err != nil || string(text) != "ram" {
				t.Errorf("fetched %q, %v", text, err)
			}
		})
	}
}
