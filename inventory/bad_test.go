package inventory_test

import (
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"thordeploy/internal/diag"
	"thordeploy/inventory"
)

// TestBadInput loads what is wrong and compares the first problem: its place
// as line:column, and a part of its message and of its hint.
func TestBadInput(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text   string
		line, col          int
		summary, hint, src string
	}{
		{"empty file", "hosts", "", 0, 0, "is empty", "one a line", ""},
		{"comments alone", "hosts.yml", "---\n# nothing\n", 0, 0, "is empty", "one a line", ""},
		{"directive alone", "hosts.yml", "%YAML 1.1\n---\n", 0, 0, "is empty", "one a line", ""},
		{"no host in it", "hosts", "[web]\n[web:vars]\na=1\n", 0, 0, "nothing in the inventory is a host", "one a line", ""},
		{"tab in YAML", "hosts.yml", "all:\n  hosts:\n\t\ta:\n", 3, 1, "a tab in the indentation", "spaces", "\t\ta:"},
		{"broken YAML", "hosts.yml", "all:\n  hosts:\n    a: 'x\n", 3, 5, "not valid YAML", "quotes", ""},
		{"two documents", "hosts.yml", "a: {hosts: {b: }}\n---\nc: \n", 2, 1, "second document", "two files", "---"},
		{"slip in a group's key", "hosts.yml", "web:\n  host:\n    a:\n", 2, 3, "unknown key `host` in group `web`", "did you mean `hosts`?", "  host:"},
		{"hosts without a group", "hosts.yml", "hosts:\n  a:\n  b:\n", 1, 1, "`hosts` stands outside of a group", "`all:`", "hosts:"},
		{"list under hosts", "hosts.yml", "web:\n  hosts:\n    - a\n", 3, 5, "`hosts` of group `web` is no mapping", "`web1:`", "    - a"},
		{"list under vars", "hosts.yml", "web:\n  hosts: a\n  vars:\n    - b: 1\n", 4, 5, "`vars` of group `web` is no mapping", "without a dash", "    - b: 1"},
		{"names without colons under hosts", "hosts.yml", "web:\n  hosts:\n    a\n    b\n", 3, 5, "white space", "colon after it", "    a"},
		{"text for a group", "hosts.yml", "web: a\n", 1, 1, "`web` is no group", "`hosts:`", "web: a"},
		{"text for a host's variables", "hosts.yml", "web:\n  hosts:\n    a: 10.0.0.1\n", 3, 8, "what follows host `a`", "`name: value`", "    a: 10.0.0.1"},
		{"mapping in a list", "hosts.yml", "- a\n- b: {x: 1}\n", 2, 3, "names alone", "tree", "- b: {x: 1}"},
		{"plugin", "hosts.yml", "plugin: aws_ec2\nregions: []\n", 1, 1, "inventory plugin", "ansible-inventory --list", "plugin: aws_ec2"},
		{"vault value that is damaged", "hosts.yml", "web:\n  hosts:\n    a:\n      v: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n", 5, 1, "cut off after its header", "whole text", "        $ANSIBLE_VAULT;1.1;AES256"},
		{"vault value without a password", "hosts.yml", "web:\n  hosts:\n    a:\n      v: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        " + hex.EncodeToString([]byte("00\n"+strings.Repeat("00", 32)+"\n"+strings.Repeat("00", 16))) + "\n", 4, 10, "no vault password is given", "--vault-password-file", "      v: !vault |"},
		{"script that isn't executable", "hosts.sh", "#!/bin/sh\necho '{}'\n", 1, 1, "a script, but not executable", "chmod +x", "#!/bin/sh"},
		{"unknown tag", "hosts.yml", "web:\n  hosts:\n    a: {v: !x y}\n", 3, 12, "tag !x", "take the tag out", ""},
		{"alias that holds itself", "hosts.yml", "web:\n  hosts:\n    a: {v: &x [*x]}\n", 3, 12, "deeper than", "alias", ""},
		{"multiplying aliases", "hosts.yml", "web:\n  hosts: {h: {a: &a [x,x,x,x,x,x,x,x,x,x], b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b], d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c], e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d], f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e], g: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]}}\n", 2, 0, "aliases multiply", "write the content out", ""},
		{"group that is its own child in YAML", "hosts.yml", "a:\n  hosts: h\n  children:\n    b:\n      children:\n        a:\n", 6, 9, "group `a` is its own child: a > b > a", "take one", "        a:"},
		{"group that is its own child in INI", "hosts", "h\n[a:children]\na\n", 3, 1, "group `a` is its own child: a > a", "take one", "a"},
		{"all as a child", "hosts", "h\n[a:children]\nall\n", 3, 1, "`all` can't be a child", "take the line out", "all"},
		{"ungrouped as a child", "hosts", "h\n[a:children]\nungrouped\n", 3, 1, "`ungrouped` can have neither", "a name of its own", "ungrouped"},
		{"priority that is no number", "hosts", "[a]\nh\n[a:vars]\nansible_group_priority=high\n", 4, 1, "ansible_group_priority of group `a`", "number", ""},
		{"unknown section", "hosts", "[web:childs]\na\n", 1, 1, "unknown kind of section `childs`", "[web:children]", "[web:childs]"},
		{"blank in a section", "hosts", "h\n[web servers]\n", 2, 1, "is not a section", "without blanks", "[web servers]"},
		{"section that isn't closed", "hosts", "h\n  [web\n", 2, 3, "not closed", "[web]", "  [web"},
		{"vars of no group", "hosts", "h\n[wbe:vars]\na=1\n", 2, 1, "[wbe:vars] is for a group that isn't there", "check the name", ""},
		{"child that isn't there", "hosts", "h\n[a:children]\nb\n", 3, 1, "names the group `b`, which isn't there", "[b]", "b"},
		{"two words for a child", "hosts", "h\n[a:children]\nb c\n", 3, 1, "a group's name is due", "one a line", "b c"},
		{"no variable in vars", "hosts", "[a]\nh\n[a:vars]\nfoo\n", 4, 1, "a variable is due here", "[a]", "foo"},
		{"variable without a host", "hosts", "[a]\nuser=x\n", 2, 1, "\"user\" is a variable", "[group:vars]", "user=x"},
		{"blanks around the equals sign", "hosts", "h a = b\n", 1, 3, "this word is no variable", "no blanks around", "h a = b"},
		{"two hosts in a line", "hosts", "h1 h2\n", 1, 4, "this word is no variable", "its own line", "h1 h2"},
		{"open quote", "hosts", "h v='x\n", 1, 5, "a quote is not closed", "other kind", "h v='x"},
		{"range without an end", "hosts", "ok\nw[1:]\n", 2, 1, "has no end", "[01:50]", "w[1:]"},
		{"range upside down", "hosts", "w[9:1]\n", 1, 1, "ends before it begins", "[1:9]", "w[9:1]"},
		{"range of unequal width", "hosts", "w[01:100]\n", 1, 1, "different numbers of digits", "same width", "w[01:100]"},
		{"range of a letter and a number", "hosts", "w[a:5]\n", 1, 1, "neither two numbers nor two letters", "[a:c]", "w[a:5]"},
		{"range that isn't one", "hosts", "w[15]\n", 1, 1, "[15] is not a range", "[01:50]", "w[15]"},
		{"range with a step of nothing", "hosts", "w[1:5:0]\n", 1, 1, "the step", "[1:9:2]", ""},
		{"range that isn't closed", "hosts", "w[1:5\n", 1, 1, "don't match", "[01:50]", ""},
		{"range closed twice", "hosts", "w[1:5]]\n", 1, 1, "don't match", "[01:50]", ""},
		{"absurdly large range", "hosts", "w[1:999999999]\n", 1, 1, "stands for more than 100000 hosts", "check the range", "w[1:999999999]"},
		{"absurdly large product", "hosts", "w[1:1000][1:1000]\n", 1, 1, "stands for more than 100000 hosts", "check the range", ""},
		{"range past all numbers", "hosts", "w[1:99999999999999999999]\n", 1, 1, "neither two numbers", "", ""},
		{"port that is no number", "hosts", "h:ssh\n", 1, 1, "no port after its colon", "1 to 65535", "h:ssh"},
		{"port too large", "hosts", "h:65536\n", 1, 1, "no port after its colon", "1 to 65535", ""},
		{"port missing", "hosts", "ok\nh:\n", 2, 1, "ends in a colon", "h:22", ""},
		{"port after bare IPv6", "hosts", "2001:db8::1::22\n", 1, 1, "neither host:port nor an IPv6", "[2001:db8::1]:2222", ""},
		{"name that begins with a dash", "hosts", "-oProxyCommand=x\n", 1, 1, "begins with `-`", "option", ""},
		{"name with a slash", "hosts", "../etc\n", 1, 1, "has a `/` in it", "folder names", "../etc"},
		{"name that is a folder's", "hosts", "ok\n..\n", 2, 1, "`..` can't be the name", "ansible_host", ".."},
		{"name with a control character", "hosts.yml", "- \"a\\eb\"\n", 1, 3, "control character", "right file", ""},
		{"name with white space", "hosts.yml", "- a b\n", 1, 3, "white space", "one host a line", "- a b"},
		{"name with shell in it", "hosts", "\\$(id)\n", 1, 1, "has '$' in it", "make a host name", ""},
		{"name without end", "hosts", strings.Repeat("a", 300) + "\n", 1, 1, "300 characters is too long", "253", ""},
		{"NUL byte", "hosts", "a\nb\x00c\n", 2, 2, "NUL byte", "right file", "b\x00c"},
		{"not UTF-8", "hosts", "a\n\u00e9\xffc\n", 2, 2, "not UTF-8", "UTF-8", "\u00e9\xffc"},
		{"UTF-16", "hosts", "\xff\xfea\x00", 1, 1, "UTF-16", "UTF-8", ""},
		{"YAML dash in a list", "hosts", "a\n- b\n", 2, 1, "`-` begins a YAML list", "take the `- ` out", "- b"},
		{"too large", "hosts", strings.Repeat("# filler line\n", 1<<21), 0, 0, "larger than 16 MiB", "ranges", ""},
		{"too many YAML entries", "hosts.yml", "a: [" + strings.Repeat("x,", 1_100_000) + "]\n", 0, 0, "too many entries", "ranges", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, tt.file, tt.text)
			inv, list := inventory.Load([]string{path})
			if list.Err() == nil {
				t.Fatalf("loads without an error: %s", names(inv.Hosts()))
			}
			d := list.Errors()[0]
			if d.Range.File != path || d.Range.Line != tt.line || tt.col != 0 && d.Range.Column != tt.col {
				t.Errorf("the place is %v, want line %d column %d", d.Range, tt.line, tt.col)
			}
			if !strings.Contains(d.Summary, tt.summary) || !strings.Contains(d.Hint, tt.hint) {
				t.Errorf("got %q\n with hint %q\nwant %q\n with hint %q", d.Summary, d.Hint, tt.summary, tt.hint)
			}
			if tt.src != "" && d.Source != tt.src {
				t.Errorf("the source line is %q, want %q", d.Source, tt.src)
			}
		})
	}
}

func TestBadSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests := []struct {
		name          string
		sources       []string
		summary, hint string
	}{
		{"none", nil, "no inventory is given", "-i hosts.yml"},
		{"empty name", []string{""}, "name of an inventory is empty", "-i hosts.yml"},
		{"no such file", []string{filepath.Join(dir, "nope")}, "no such inventory: " + dir, "-i nope,"},
		{"folder with nothing in it", []string{dir}, "nothing in the inventory is a host", "one a line"},
		{"device", []string{"/dev/zero"}, "neither a file nor a pipe", ""},
		{"commas alone", []string{","}, "nothing in the inventory is a host", "one a line"},
		{"option in a comma list", []string{"a,-oX,"}, "begins with `-`", ""},
		{"range in a comma list", []string{"a,w[1:99999999],"}, "stands for more than", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, list := inventory.Load(tt.sources)
			if list.Err() == nil {
				t.Fatal("no error")
			}
			d := list.Errors()[0]
			if !strings.Contains(d.Summary, tt.summary) || !strings.Contains(d.Hint, tt.hint) {
				t.Errorf("got %q with hint %q", d.Summary, d.Hint)
			}
		})
	}
	_, list := inventory.Load([]string{"a, b c,"})
	if d := list.Errors()[0]; d.Range.File != "-i" || d.Range.Column != 4 || d.Range.EndColumn != 7 {
		t.Errorf("the place in a comma list is %+v", d.Range)
	}
}

// TestWarnings loads what is odd but usable.
func TestWarnings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text string
		line, col        int
		summary, want    string
	}{
		{"duplicate key", "hosts.yml", "g:\n  hosts:\n    a: {v: 1}\n    b:\n    a: {v: 2}\n", 5, 5,
			"`a` is there twice", lines("a [g] map[v:2]", "b [g]")},
		{"duplicate variable", "hosts.yml", "g:\n  hosts:\n    a:\n      v: 1\n      v: 2\n", 5, 7,
			"`v` is there twice", lines("a [g] map[v:2]")},
		{"duplicate inline variable", "hosts", "a v=1 v=2\n", 1, 7, "`v` is set twice", lines("a [ungrouped] map[v:2]")},
		{"duplicate in vars", "hosts", "[g]\na\n[g:vars]\nv=1\nv=2\n", 5, 1, "`v` is set twice", lines("a [g] map[v:2]")},
		{"group and host of one name", "hosts", "[web]\nweb\n", 1, 1, "`web` is a group and a host", lines("web [web]")},
		{"unknown key of a group", "hosts.yml", "g:\n  hosts: a\n  region: eu\n", 3, 3, "unknown key `region`", lines("a [g]")},
		{"hash in a value", "hosts", "a v=x#y\n", 1, 3, "ends at the `#`", lines("a [ungrouped] map[v:x]")},
		{"hash under vars", "hosts", "[g]\na\n[g:vars]\nv=x # y\n", 4, 1, "belongs to the value", lines("a [g] map[v:x # y]")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inv, list := inventory.Load([]string{write(t, tt.file, tt.text)})
			if list.Err() != nil || len(list.Warnings()) != 1 {
				t.Fatalf("want one warning, got:\n%s", list)
			}
			d := list.Warnings()[0]
			if d.Range.Line != tt.line || d.Range.Column != tt.col || !strings.Contains(d.Summary, tt.summary) || d.Hint == "" {
				t.Errorf("got %s", d)
			}
			if got := show(inv); got != tt.want {
				t.Errorf("loads as\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, list := inventory.Load([]string{write(t, "hosts", "a/b\nok x\nw[1:]\n[a:childen]\n"), "/nowhere/hosts"})
	if n := len(list.Errors()); n != 5 {
		t.Errorf("%d errors, want 5:\n%s", n, list)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	_, list := inventory.Load([]string{write(t, "hosts", strings.Repeat("a/b\n", 5000))})
	all := list.All()
	if n := len(all); n != 101 || !strings.Contains(all[n-1].Summary, "more problems") || all[n-1].Severity != diag.Error {
		t.Errorf("%d problems, the last is %v", n, all[n-1])
	}
}

func TestNoMessageShowsAPassword(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"h ansible_password=hunter2 x\n",
		"h ansible_password=one hunter2\n",
		"h ansible_password='hunter2\n",
		"h ansible_ssh_pass=hunter2#x\n",
		"ansible_password=hunter2\n",
		"ansible_password:hunter2\n",
		"[a]\nh\n[a:vars]\nansible_become_pass hunter2\nansible_password=hunter2 #\n",
		"g:\n  hosts:\n    h:\n      ansible_password: !vault hunter2\n",
		"g:\n  hosts:\n    h: {ansible_password: 'hunter2}\n",
		"g:\n  hosts:\n    h:\n      db_password: !!int hunter2\n",
		"g:\n  hosts:\n    h: {\"ansible_sudo_pass\": x, \"ansible_sudo_pass\": hunter2}\n",
	} {
		_, list := inventory.Load([]string{write(t, "hosts", text)})
		if len(list.All()) == 0 {
			t.Errorf("no problem in %q", text)
		}
		if s := list.String(); strings.Contains(s, "hunter2") {
			t.Errorf("a password is shown:\n%s", s)
		}
	}
}
