package runner

import (
	"testing"

	"thordeploy/internal/diag"
	"thordeploy/inventory"
	"thordeploy/playbook"
	"thordeploy/transport"
)

// Variables win over keywords, keywords over the command line: what
// ansible-playbook 2.14 does with ansible_become, ansible_become_user and so on.
func TestWhichAccountIsBecome(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	sudo := transport.Become{User: "cli", Password: "asked"}
	tests := []struct {
		name         string
		become, user string // the task's keywords; empty: unset
		cli          *transport.Become
		vars         vars
		want         transport.Become
	}{
		{"nobody says anything", "", "", nil, nil, transport.Become{}},
		{"keyword", "true", "", nil, nil, transport.Become{User: "root"}},
		{"keyword's user", "true", "alice", nil, nil, transport.Become{User: "alice"}},
		{"user alone", "", "alice", nil, nil, transport.Become{}},
		{"-b", "", "", &sudo, nil, sudo},
		{"keyword over -b", "false", "", &sudo, nil, transport.Become{}},
		{"keyword's user over -b's", "true", "alice", &sudo, nil, transport.Become{User: "alice", Password: "asked"}},
		{"variable", "", "", nil, vars{"ansible_become": true}, transport.Become{User: "root"}},
		{"variable over keyword", "false", "", nil, vars{"ansible_become": "yes"}, transport.Become{User: "root"}},
		{"false variable over keyword", "true", "", nil, vars{"ansible_become": false}, transport.Become{}},
		{"false variable over -b", "", "", &sudo, vars{"ansible_become": "no"}, transport.Become{}},
		{"variable's user over keyword's and -b's", "true", "alice", &sudo, vars{"ansible_become_user": "bob"}, transport.Become{User: "bob", Password: "asked"}},
		{"variable's password over -K's", "", "", &sudo, vars{"ansible_become_password": "own"}, transport.Become{User: "cli", Password: "own"}},
		{"the account one is", "true", "", nil, vars{"ansible_become_user": "login"}, transport.Become{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			said, err := inventory.ConnectionOf("web1", tt.vars)
			if err != nil {
				t.Fatal(err)
			}
			h := &hostRun{playRun: &playRun{plan: &plan{run: &run{Runner: &Runner{Become: tt.cli}}}}}
			var f frame
			if tt.become != "" {
				if f.become.Enabled, err = playbook.NewExpr(tt.become, diag.Range{}); err != nil {
					t.Fatal(err)
				}
			}
			if tt.user != "" {
				if f.become.User, err = playbook.NewValue(tt.user, diag.Range{}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := h.identity(&f, h.scope(&f, nil), said.Become, "login")
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

// become_exe and become_flags say how, and variables win over them.
func TestHowToBecome(t *testing.T) {
	t.Parallel()
	for want, vars := range map[transport.Become]map[string]any{
		{User: "root", Exe: "/opt/sudo", Flags: "-E"}: nil,
		{User: "root", Exe: "/opt/mine", Flags: "-i"}: {"ansible_become_exe": "/opt/mine", "ansible_become_flags": "-i"},
	} {
		said, err := inventory.ConnectionOf("web1", vars)
		if err != nil {
			t.Fatal(err)
		}
		pb, problems := playbook.Load("test.yml", "", []byte("- {hosts: all, become: true, become_exe: /opt/sudo, tasks: [{ping: , become_flags: -E}]}\n"))
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		p := newPlan(&run{Runner: &Runner{}, pb: pb}, 0, pb.Plays[0])
		h := &hostRun{playRun: &playRun{plan: p}}
		f := h.frame(p.base, pb.Plays[0].Tasks[0])
		if got, err := h.identity(f, h.scope(f, nil), said.Become, "login"); err != nil || got != want {
			t.Errorf("got %#v, %v, want %#v", got, err, want)
		}
	}
}
