package inventory_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thordeploy/inventory"
)

// fields is a Connection as plain values: its own String hides passwords.
func fields(c inventory.Connection) map[string]any {
	m := map[string]any{}
	put := func(name string, v any, zero bool) {
		if !zero {
			m[name] = v
		}
	}
	put("kind", c.Kind, c.Kind == "ssh")
	put("address", c.Address, c.Address == "h")
	put("port", c.Port, c.Port == 0)
	put("user", c.User, c.User == "")
	put("password", c.Password, c.Password == "")
	put("key", c.KeyFile, c.KeyFile == "")
	put("timeout", c.Timeout, c.Timeout == 0)
	put("common", c.CommonArgs, c.CommonArgs == "")
	put("extra", c.ExtraArgs, c.ExtraArgs == "")
	if c.HostKeyChecking != nil {
		m["check"] = *c.HostKeyChecking
	}
	if c.Become.Enabled != nil {
		m["become"] = *c.Become.Enabled
	}
	put("become_method", c.Become.Method, c.Become.Method == "")
	put("become_exe", c.Become.Exe, c.Become.Exe == "")
	put("become_flags", c.Become.Flags, c.Become.Flags == "")
	put("ssh_args", c.SSHArgs, c.SSHArgs == "")
	if c.Retries != nil {
		put("retries", *c.Retries, false)
	}
	put("become_user", c.Become.User, c.Become.User == "")
	put("become_password", c.Become.Password, c.Become.Password == "")
	return m
}

func TestConnection(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	tests := []struct{ vars, want vars }{
		{nil, vars{}},
		{vars{"ansible_host": "10.0.0.1", "ansible_port": 23, "ansible_user": "u"}, vars{"address": "10.0.0.1", "port": 23, "user": "u"}},
		{vars{"ansible_ssh_host": "2001:db8::1", "ansible_ssh_port": "23", "ansible_ssh_user": "u"}, vars{"address": "2001:db8::1", "port": 23, "user": "u"}},
		{vars{"ansible_ssh_host": "old", "ansible_host": "new"}, vars{"address": "old"}},
		{vars{"ansible_password": "p"}, vars{"password": "p"}},
		{vars{"ansible_ssh_pass": 1234}, vars{"password": "1234"}},
		{vars{"ansible_private_key_file": "~/k"}, vars{"key": "~/k"}},
		{vars{"ansible_ssh_private_key_file": "k"}, vars{"key": "k"}},
		{vars{"ansible_connection": "local"}, vars{"kind": "local"}},
		{vars{"ansible_connection": "ansible.builtin.local"}, vars{"kind": "local"}},
		{vars{"ansible_connection": "smart"}, vars{}},
		{vars{"ansible_connection": "paramiko"}, vars{}},
		{vars{"ansible_host_key_checking": false}, vars{"check": false}},
		{vars{"ansible_ssh_host_key_checking": "True"}, vars{"check": true}},
		{vars{"ansible_timeout": 5}, vars{"timeout": 5 * time.Second}},
		{vars{"ansible_ssh_timeout": "1.5"}, vars{"timeout": 1500 * time.Millisecond}},
		{vars{"ansible_ssh_common_args": "-J b", "ansible_ssh_extra_args": "-o X=y"}, vars{"common": "-J b", "extra": "-o X=y"}},
		{vars{"ansible_become": "yes", "ansible_become_method": "su", "ansible_become_user": "db", "ansible_become_password": "p"},
			vars{"become": true, "become_method": "su", "become_user": "db", "become_password": "p"}},
		{vars{"ansible_become": false, "ansible_become_pass": "p"}, vars{"become": false, "become_password": "p"}},
		{vars{"ansible_sudo": true, "ansible_sudo_user": "db", "ansible_sudo_pass": "p"},
			vars{"become": true, "become_method": "sudo", "become_user": "db", "become_password": "p"}},
		{vars{"ansible_become_exe": "/opt/sudo", "ansible_become_flags": "-H"}, vars{"become_exe": "/opt/sudo", "become_flags": "-H"}},
		{vars{"ansible_become_method": "su", "ansible_sudo_flags": "-E", "ansible_su_flags": "-l"}, vars{"become_method": "su", "become_flags": "-l"}},
		{vars{"ansible_doas_exe": "/bin/doas"}, vars{"become_exe": "/bin/doas"}},
		{vars{"ansible_ssh_retries": 3, "ansible_ssh_args": "-C"}, vars{"retries": 3, "ssh_args": "-C"}},
		{vars{"ansible_su": 1, "ansible_su_pass": "p"}, vars{"become": true, "become_method": "su", "become_password": "p"}},
		{vars{"ansible_user": nil, "ansible_host": "", "ansible_python_interpreter": []any{}}, vars{}},
	}
	for _, tt := range tests {
		c, err := inventory.ConnectionOf("h", tt.vars)
		if err != nil {
			t.Errorf("%v: %v", tt.vars, err)
			continue
		}
		if diff := cmp.Diff(tt.want, fields(c)); diff != "" {
			t.Errorf("%v: %s", tt.vars, diff)
		}
	}
	c, err := inventory.ConnectionOf("root@web1", nil)
	if err != nil || c.Address != "web1" || c.User != "root" {
		t.Errorf("root@web1 is %v, %v", c, err)
	}
}

func TestBadConnectionVariables(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"ansible_port", "ssh", "1 to 65535"},
		{"ansible_port", 70000, "1 to 65535"},
		{"ansible_port", true, "1 to 65535"},
		{"ansible_ssh_port", 0, "1 to 65535"},
		{"ansible_host", "-oProxyCommand=x", "not a name or an address"},
		{"ansible_ssh_host", "a b", "not a name or an address"},
		{"ansible_user", []any{"x"}, "list where text is due"},
		{"ansible_password", map[string]any{"hunter2": "hunter2"}, "mapping where text is due"},
		{"ansible_password", "hunter2\x00", "NUL byte"},
		{"ansible_connection", "winrm", "use ssh or local"},
		{"ansible_become_method", "runas", "use sudo, su, doas or none"},
		{"ansible_ssh_retries", "many", "is \"many\", which is not a number of attempts"},
		{"ansible_become", "perhaps", "neither true nor false"},
		{"ansible_host_key_checking", 2, "neither true nor false"},
		{"ansible_timeout", "soon", "write seconds"},
		{"ansible_timeout", -1, "write seconds"},
		{"ansible_timeout", "NaN", "write seconds"},
	} {
		_, err := inventory.ConnectionOf("web1", map[string]any{tt.name: tt.value})
		var ve *inventory.VarError
		if !errors.As(err, &ve) || ve.Host != "web1" || ve.Name != tt.name {
			t.Errorf("%s=%v: error is %v", tt.name, tt.value, err)
			continue
		}
		for _, part := range []string{"web1", tt.name, tt.want} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s=%v: %q isn't in %q", tt.name, tt.value, part, err)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a password is shown: %v", err)
		}
	}
}

func TestConnectionOfAHost(t *testing.T) {
	t.Parallel()
	inv := load(t, "hosts", "a:2222 ansible_user=root other='{{ x }}'\nb ansible_host='{{ net }}.1'\n")
	a, _ := inv.Host("a")
	if c, err := a.Connection(); err != nil || c.Port != 2222 || c.User != "root" || c.Address != "a" {
		t.Errorf("got %v, %v", c, err)
	}
	b, _ := inv.Host("b")
	if _, err := b.Connection(); err == nil || !strings.Contains(err.Error(), "host b: ansible_host") || !strings.Contains(err.Error(), "template") {
		t.Errorf("error is %v", err)
	}
}

func TestPrintingAConnectionHidesPasswords(t *testing.T) {
	t.Parallel()
	c, err := inventory.ConnectionOf("h", map[string]any{"ansible_password": "hunter2", "ansible_become_pass": "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb+verb, c, c.Become); strings.Contains(s, "hunter2") {
			t.Errorf("%s shows it: %s", verb, s)
		}
	}
}

func TestConnectionVarsCoverWhatIsRead(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, name := range inventory.ConnectionVars() {
		listed[name] = true
	}
	for _, name := range []string{"ansible_host", "ansible_ssh_host", "ansible_port", "ansible_user", "ansible_ssh_pass", "ansible_sudo_pass", "ansible_su_user", "ansible_become", "ansible_ssh_timeout"} {
		if !listed[name] {
			t.Errorf("%s is missing", name)
		}
	}
	if listed["ansible_python_interpreter"] {
		t.Error("ansible_python_interpreter is listed, though it means nothing here")
	}
}
