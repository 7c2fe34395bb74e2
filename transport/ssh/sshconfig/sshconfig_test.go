package sshconfig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// home is a folder with a .ssh/config of text.
func home(t testing.TB, text string) (Env, string) {
	t.Helper()
	dir := t.TempDir()
	return Env{Home: dir, User: "me", UID: os.Getuid(), LocalHost: "here.example"}, write(t, dir+"/.ssh/config", text)
}

func resolve(t testing.TB, text, host string) (Options, []Note) {
	t.Helper()
	env, file := home(t, text)
	c, err := Load(env, file)
	if err != nil {
		t.Fatal(err)
	}
	o, notes, err := c.For(t.Context(), Asked{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	return o, notes
}

func TestTheFirstValueCounts(t *testing.T) {
	t.Parallel()
	o, _ := resolve(t, `
User early # a comment
Host web* !web9
	Port=2201
	User late
	IdentityFile "~/keys/a b"
	StrictHostKeyChecking accept-new
	ServerAliveInterval 1m
	ServerAliveCountMax 4
	PasswordAuthentication no
Host *
	Port 2202
	IdentityFile %d/%n-%r
	UserKnownHostsFile ~/.ssh/one "~/.ssh/t wo"
	ConnectTimeout 7
`, "web1")
	want := Options{
		User: "early", Port: 2201, HostKeyChecking: AcceptNew, ConnectTimeout: 7 * time.Second,
		Keepalive: time.Minute, KeepaliveCount: 4, Refused: []string{"password"},
	}
	for _, list := range []*[]string{&o.IdentityFiles, &o.KnownHosts} {
		for i, f := range *list {
			(*list)[i] = filepath.Base(f)
		}
	}
	want.IdentityFiles, want.KnownHosts = []string{"a b", "web1-early"}, []string{"one", "t wo"}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
	if o, _ := resolve(t, "Host web* !web9\nPort 1\nHost web9\nPort 9\n", "web9"); o.Port != 9 {
		t.Errorf("a negated pattern: port %d", o.Port)
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		jumps   []Hop
		command string
	}{
		"jumps":            {"ProxyJump ops@a:2222,[::1]:22,b", []Hop{{"ops", "a", 2222}, {"", "::1", 22}, {"", "b", 0}}, ""},
		"none":             {"ProxyJump none\nProxyJump b", nil, ""},
		"a command":        {`ProxyCommand ssh -W "%h:%p" -l %r %n-gw`, nil, `ssh -W "real:2200" -l me web-gw`},
		"the first counts": {"ProxyCommand nc %h %p\nProxyJump b", nil, "nc real 2200"},
		"jump before":      {"ProxyJump ssh://u@b:7/\nProxyCommand nc", []Hop{{"u", "b", 7}}, ""},
		"no command":       {"ProxyCommand none\nProxyJump b", nil, ""},
	} {
		o, _ := resolve(t, "HostName real\nPort 2200\n"+c.text, "web")
		if diff := cmp.Diff(c.jumps, o.Jumps); diff != "" || o.ProxyCommand != c.command {
			t.Errorf("%s: %s %q", name, diff, o.ProxyCommand)
		}
	}
}

func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\nPort x":                    `config:2: Port is "x", which is not a port`,
		"Port 1 2":                    "config:1: Port takes one value, and there are 2",
		"Port":                        "config:1: Port has no value",
		"Host\n":                      "config:1: Host has no pattern",
		"Match host\n":                "config:1: Match host has no value",
		"Match\n":                     "config:1: Match has no condition",
		"User \"a":                    "config:1: User a quote is not closed",
		"ProxyJump a@":                "config:1: ProxyJump has the hop",
		"ProxyJump -oProxyCommand=x":  "config:1: ProxyJump has the hop",
		"StrictHostKeyChecking maybe": "write yes, accept-new or no",
		"ConnectTimeout 1y":           "not a number of seconds",
		"RevokedHostKeys /etc/krl":    "RevokedHostKeys isn't done: put the keys into known_hosts with @revoked instead",
		"KnownHostsCommand /bin/x":    "isn't done",
		"IdentityFile %Z":             "%Z in it",
		"HostName 5%":                 "percent sign",
		"Include":                     "config:1: Include names no file",
		"AddressFamily inet5":         "write any, inet or inet6",
	} {
		env, file := home(t, text)
		c, err := Load(env, file)
		if err == nil {
			_, _, err = c.For(t.Context(), Asked{Host: "h"})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestWhatIsNotDoneIsNoted(t *testing.T) {
	t.Parallel()
	_, notes := resolve(t, "Host other\n ForwardAgent yes\nHost *\n ForwardAgent yes\n SendEnv LANG\n CanonicalizeHostname no\n Compresion yes\n ForwardAgent yes\nMatch exec true\n User x", "web")
	got := fmt.Sprint(notes)
	for _, want := range []string{":4: ForwardAgent isn't done here", ":7: Compresion is no keyword that is known", ":9: Match exec isn't done here"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if len(notes) != 3 {
		t.Errorf("%d notes: %s", len(notes), got)
	}
}

func TestAFileThatOthersMayWriteTo(t *testing.T) {
	t.Parallel()
	env, file := home(t, "User x")
	if err := os.Chmod(file, 0o620); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(env, file); err == nil || !strings.Contains(err.Error(), "others than its owner may write to it") {
		t.Error(err)
	}
	if _, err := Load(env, filepath.Dir(file)+"/none"); err != nil {
		t.Errorf("a file that isn't there: %v", err)
	}
}

func TestIncludesOfEachOther(t *testing.T) {
	t.Parallel()
	env, file := home(t, "Include config")
	if _, err := Load(env, file); err == nil || !strings.Contains(err.Error(), "include each other") {
		t.Error(err)
	}
}

// openSSH gives the ssh program, without which there is nothing to compare with.
func openSSH(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ssh")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ssh is needed: apt-get install openssh-client")
		}
		t.Skip("ssh is needed: apt-get install openssh-client")
	}
	return path
}

// Values are taken from files as ssh takes them: `ssh -G` is the judge.
func TestFilesAreReadAsSSHReadsThem(t *testing.T) {
	t.Parallel()
	ssh := openSSH(t)
	included := func(env Env, name, text string) { write(t, env.Home+"/.ssh/"+name, text) }
	for _, text := range []string{
		"User a\nUser b",
		"Host x\nUser a\nHost web\nUser b\nPort 77",
		"Host w?b !web\nUser a\nHost *\nUser b",
		"Host WEB\nUser a",
		"Host=web\nUser=a\nPort = 99",
		"Host \"web\" other\nUser 'q r'\nPort \"88\"",
		"HostName %h.example.org\nHostKeyAlias %n-%h",
		"Match host web\nUser a",
		"HostName real\nMatch host real\nUser a\nMatch originalhost web\nPort 9",
		"HostName real\nMatch host web\nUser a",
		"Match host web,!web user x\nUser a\nMatch all\nUser b",
		"User a\nMatch user a\nPort 9\nMatch !user a\nPort 10",
		"Match !host other\nUser a",
		"Match host=web\nUser a",
		"Include inc\nUser b",
		"Host other\nInclude inc\nHost *\nUser b",
		"Host web\nInclude inc\nPort 5\nUser b",
		"Host web\nInclude \"i n*\" inc\nPort 5",
		"Host web\nInclude hosts\nPort 5",
		"UserKnownHostsFile /a /b\nGlobalKnownHostsFile none\nStrictHostKeyChecking accept-new",
		"ServerAliveInterval 1m30s\nServerAliveCountMax 9\nConnectTimeout 2m\nConnectionAttempts 3",
		"ProxyJump a@b:22,c\nProxyCommand x",
		"ProxyCommand nc %h %p # not a comment\nProxyJump x",
		"IdentityFile /a\nIdentityFile '/b c'\nCertificateFile /a-cert.pub\nIdentitiesOnly yes",
		"  \t Host   web  # c\n\t\tUser\ta # c\r\nPort 8",
		"Match final\nUser a",
		"Match exec \"test %n = web\"\nUser a\nPort 12\nMatch exec false\nPort 13",
		"Host web\nUser a\nMatch exec true host web\nIdentityFile /k\nProxyJump j",
	} {
		env, file := home(t, text)
		env.SSH = ssh
		included(env, "inc", "User inc\n")
		included(env, "i n1", "Port 6\n")
		included(env, "hosts", "Host nobody\nUser n\nHost w*\nUser h\n")
		// ssh finds what is included by the account's folder of passwd(5).
		text = strings.NewReplacer("Include inc", "Include "+env.Home+"/.ssh/inc", "Include \"i n*\" inc", fmt.Sprintf("Include \"%s/.ssh/i n*\" %s/.ssh/inc", env.Home, env.Home),
			"Include hosts", "Include "+env.Home+"/.ssh/hosts").Replace(text)
		write(t, file, text)
		out, err := exec.Command(ssh, "-G", "-F", file, "web").Output()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		c, err := Load(env, file)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		o, _, err := c.For(t.Context(), Asked{Host: "web"})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for _, line := range asSSHSays(o) {
			if !strings.Contains("\n"+string(out), "\n"+line+"\n") {
				t.Errorf("%q: here %q, ssh says\n%s", text, line, about(string(out), line))
			}
		}
	}
}

// about are the lines of ssh's answer with the keyword of line.
func about(out, line string) string {
	key, _, _ := strings.Cut(line, " ")
	var b strings.Builder
	for l := range strings.Lines(out) {
		if strings.HasPrefix(l, key+" ") {
			b.WriteString(l)
		}
	}
	return b.String()
}

// asSSHSays writes o in the lines of `ssh -G`.
func asSSHSays(o Options) []string {
	or := func(v, def string) string {
		if v == "" {
			return def
		}
		return v
	}
	port := "22"
	if o.Port != 0 {
		port = fmt.Sprint(o.Port)
	}
	lines := []string{"port " + port, "hostname " + or(o.HostName, "web")}
	if o.User != "" {
		lines = append(lines, "user "+o.User)
	}
	for _, f := range o.IdentityFiles {
		lines = append(lines, "identityfile "+f)
	}
	for _, f := range o.CertificateFiles {
		lines = append(lines, "certificatefile "+f)
	}
	if len(o.Jumps) > 0 {
		var hops []string
		for _, h := range o.Jumps {
			text := h.Host
			if h.User != "" {
				text = h.User + "@" + text
			}
			if h.Port != 0 {
				text += fmt.Sprintf(":%d", h.Port)
			}
			hops = append(hops, text)
		}
		lines = append(lines, "proxyjump "+strings.Join(hops, ","))
	}
	if o.ProxyCommand != "" {
		lines = append(lines, "proxycommand nc %h %p # not a comment")
	}
	if o.KnownHosts != nil {
		lines = append(lines, "userknownhostsfile "+strings.Join(o.KnownHosts, " "))
	}
	if o.HostKeyChecking == AcceptNew {
		lines = append(lines, "stricthostkeychecking accept-new")
	}
	if o.Keepalive > 0 {
		lines = append(lines, fmt.Sprintf("serveraliveinterval %d", int(o.Keepalive.Seconds())))
	}
	if o.ConnectTimeout > 0 {
		lines = append(lines, fmt.Sprintf("connecttimeout %d", int(o.ConnectTimeout.Seconds())))
	}
	if o.Attempts > 0 {
		lines = append(lines, fmt.Sprintf("connectionattempts %d", o.Attempts))
	}
	return lines
}

func TestParseArgs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want Options
		err  string // part of the error, empty: none
	}{
		{text: ""},
		{text: "-o Port=2222 -oUser=ops -o Port=1", want: Options{Port: 2222, User: "ops"}},
		{text: "-p 22 -l root -i ~/.ssh/k -i'/a b'", want: Options{Port: 22, User: "root", IdentityFiles: []string{"~/.ssh/k", "/a b"}}},
		{text: `-o "UserKnownHostsFile=/a /b" -o 'StrictHostKeyChecking yes'`, want: Options{KnownHosts: []string{"/a", "/b"}, HostKeyChecking: Strict}},
		{text: `-o 'UserKnownHostsFile="/a b" /c' -o GlobalKnownHostsFile=none`, want: Options{KnownHosts: []string{"/a b", "/c"}, SystemKnownHosts: []string{"none"}}},
		{text: "-o StrictHostKeyChecking=no", want: Options{HostKeyChecking: Off}},
		{text: "-o StrictHostKeyChecking=accept-new", want: Options{HostKeyChecking: AcceptNew}},
		{text: "-o ConnectTimeout=7 -o ServerAliveInterval=3 -o ServerAliveCountMax=5", want: Options{ConnectTimeout: 7 * time.Second, Keepalive: 3 * time.Second, KeepaliveCount: 5}},
		{text: "-o ServerAliveInterval=0", want: Options{Keepalive: -1}},
		{text: "-o ServerAliveCountMax=0", err: "not a number of questions"},
		{text: "-o IdentitiesOnly=yes -C -q -o ControlMaster=auto -o ControlPersist=60s", want: Options{IdentitiesOnly: true}},
		{text: "-o ProxyJump=bastion", want: Options{Jumps: []Hop{{Host: "bastion"}}}},
		{text: "-J a@b:3,c -4", want: Options{Jumps: []Hop{{"a", "b", 3}, {Host: "c"}}, AddressFamily: "inet"}},
		{text: "-o ProxyCommand='ssh -W %h:%p b'", want: Options{ProxyCommand: "ssh -W %h:%p b", ProxyAs: "ssh -W %h:%p b"}},
		{text: "-o KexAlgorithms=+diffie-hellman-group14-sha256,x", want: Options{KeyExchanges: []string{"+diffie-hellman-group14-sha256", "x"}}},
		{text: "-A", want: Options{}},
		{text: "-o Frob=1", err: "-o Frob is not known"},
		{text: "-o Port=70000", err: "not a port"},
		{text: "-o ConnectTimeout=soon", err: "not a number of seconds"},
		{text: "-o", err: "needs a value"},
		{text: "-o Port", err: "has no value"},
		{text: "-o 'Port=1", err: "not closed"},
		{text: "-N -f", err: "-f is not known"},
		{text: "host", err: "host is not known here"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := ParseArgs(tt.text)
			switch {
			case tt.err != "":
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got error %v, want one with %q", err, tt.err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				if diff := cmp.Diff(tt.want, got.Options()); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	if a, err := ParseArgs("-F /x/config -A"); err != nil || a.File != "/x/config" || len(a.draft.notes) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}

// What is settled wins over arguments, and arguments over files.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	env, file := home(t, "User file\nPort 1\nConnectTimeout 1\nMatch user asked\nHostKeyAlias alias\nIdentityFile /file")
	c, err := Load(env, file)
	if err != nil {
		t.Fatal(err)
	}
	args, err := ParseArgs("-l args -p 2 -o ConnectTimeout=2 -i /args")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // args are used for many hosts
		got, _, err := c.For(t.Context(), Asked{Host: "h", User: "asked", Args: args})
		want := Options{User: "asked", Port: 2, ConnectTimeout: 2 * time.Second, HostKeyAlias: "alias", IdentityFiles: []string{"/args", "/file"}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

func FuzzParseArgs(f *testing.F) {
	for _, s := range []string{"", "-o Port=22", `-o "User a" -i 'x y'`, "-p", `\`, "-o =", "-i=", "é -o \xff=1", "-J a@[::1]:2,b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseArgs(s)
		if o := a.Options(); err == nil && (o.Port < 0 || o.Port > 65535 || o.ConnectTimeout < 0) {
			t.Errorf("%q gives %+v", s, o)
		}
	})
}

func FuzzFile(f *testing.F) {
	for _, s := range []string{"", "Host a\nPort 1", "Match host x user y\nUser %h", "Include *\n", "User \"a\\\" b'c'\"", "Host *!*?[\n", "=\n==\n", "ProxyJump a,b@[c]:1"} {
		f.Add(s, "web")
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text, host string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // would read this machine's files
		}
		file := filepath.Join(dir, "config")
		if os.WriteFile(file, []byte(text), 0o600) != nil {
			t.Skip("no room")
		}
		c, err := Load(Env{Home: dir, User: "me", UID: os.Getuid()}, file)
		if err != nil {
			return
		}
		o, _, err := c.For(t.Context(), Asked{Host: host})
		if err == nil && (o.Port < 0 || o.Port > 65535) {
			t.Errorf("%q gives port %d", text, o.Port)
		}
	})
}
