package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseSSHArgs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want sshArgs
		err  string // part of the error, empty: none
	}{
		{text: ""},
		{text: "-o Port=2222 -oUser=ops", want: sshArgs{port: 2222, user: "ops"}},
		{text: "-p 22 -l root -i ~/.ssh/k -i'/a b'", want: sshArgs{port: 22, user: "root", keyFiles: []string{"~/.ssh/k", "/a b"}}},
		{text: `-o "UserKnownHostsFile=/a /b" -o 'StrictHostKeyChecking yes'`, want: sshArgs{knownHosts: []string{"/a", "/b"}}},
		{text: `-o 'UserKnownHostsFile="/a b" /c' -o GlobalKnownHostsFile=none`, want: sshArgs{knownHosts: []string{"/a b", "/c"}, systemHosts: []string{"none"}}},
		{text: "-o StrictHostKeyChecking=no", want: sshArgs{ignoreHostKey: true}},
		{text: "-o ConnectTimeout=7 -o ServerAliveInterval=3 -o ServerAliveCountMax=5", want: sshArgs{connectTimeout: 7 * time.Second, keepalive: 3 * time.Second, keepaliveCount: 5}},
		{text: "-o ServerAliveInterval=0", want: sshArgs{keepalive: -1}},
		{text: "-o ServerAliveCountMax=0", err: "not a number of questions"},
		{text: "-o IdentitiesOnly=yes -C -o ControlMaster=auto -o ControlPersist=60s", want: sshArgs{onlyKeyFiles: true}},
		{text: "-o StrictHostKeyChecking=accept-new", err: "accept-new is not known"},
		{text: "-o ProxyJump=bastion", err: "jump hosts are not supported"},
		{text: "-J bastion", err: "jump hosts are not supported yet"},
		{text: "-o ProxyCommand='ssh -W %h:%p b'", err: "jump hosts are not supported"},
		{text: "-o KexAlgorithms=none", err: "-o KexAlgorithms is not known"},
		{text: "-o Port=70000", err: "not a port"},
		{text: "-o ConnectTimeout=soon", err: "not a number of seconds"},
		{text: "-o", err: "needs a value"},
		{text: "-o Port", err: "has no value"},
		{text: "-o 'Port=1", err: "not closed"},
		{text: "host", err: "host is not known here"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := parseSSHArgs(tt.text)
			switch {
			case tt.err != "":
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got error %v, want one with %q", err, tt.err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(sshArgs{})); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func FuzzSSHArgs(f *testing.F) {
	for _, s := range []string{"", "-o Port=22", `-o "User a" -i 'x y'`, "-p", `\`, "-o =", "-i=", "é -o \xff=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseSSHArgs(s)
		if err == nil && (a.port < 0 || a.port > 65535 || a.connectTimeout < 0) {
			t.Errorf("%q gives %+v", s, a)
		}
	})
}
