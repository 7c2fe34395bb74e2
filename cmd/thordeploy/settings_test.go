package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// Every setting that does something does it, from the environment and from
// ansible.cfg, and not where its flag is given.
func TestSettings(t *testing.T) {
	t.Parallel()
	for key, tt := range map[string]struct {
		value string
		get   func(*Main) any
		want  any
	}{
		"defaults.inventory":                   {"/a,/b", func(m *Main) any { return m.inventories }, []string{"/a", "/b"}},
		"defaults.roles_path":                  {"/a:/b", func(m *Main) any { return m.rolesPath }, []string{"/a", "/b"}},
		"defaults.forks":                       {"7", func(m *Main) any { return m.forks }, 7},
		"defaults.remote_user":                 {"joe", func(m *Main) any { return m.user }, "joe"},
		"defaults.remote_port":                 {"2222", func(m *Main) any { return m.sshArgs }, " -p 2222"},
		"defaults.private_key_file":            {"/key", func(m *Main) any { return m.privateKey }, "/key"},
		"defaults.timeout":                     {"3", func(m *Main) any { return m.timeout }, duration(3 * time.Second)},
		"defaults.ask_pass":                    {"yes", func(m *Main) any { return m.askPass }, true},
		"defaults.transport":                   {"local", func(m *Main) any { return m.connection }, "local"},
		"defaults.strategy":                    {"free", func(m *Main) any { return m.strategy }, "free"},
		"defaults.gathering":                   {"explicit", func(m *Main) any { return m.gathering }, "explicit"},
		"defaults.vault_password_file":         {"/pw", func(m *Main) any { return m.vault.files }, []string{"/pw"}},
		"defaults.vault_identity_list":         {"a@/x, b@prompt", func(m *Main) any { return m.vault.ids }, []string{"a@/x", "b@prompt"}},
		"defaults.ask_vault_pass":              {"on", func(m *Main) any { return m.vault.ask }, true},
		"defaults.force_handlers":              {"True", func(m *Main) any { return m.forceHandlers }, true},
		"defaults.display_skipped_hosts":       {"no", func(m *Main) any { return m.form.HideSkipped }, true},
		"defaults.display_ok_hosts":            {"no", func(m *Main) any { return m.form.HideOK }, true},
		"defaults.display_failed_stderr":       {"yes", func(m *Main) any { return m.form.FailedToStderr }, true},
		"defaults.check_mode_markers":          {"yes", func(m *Main) any { return m.form.CheckMarkers }, true},
		"defaults.nocolor":                     {"1", func(m *Main) any { return m.noColor }, true},
		"defaults.force_color":                 {"1", func(m *Main) any { return m.forceColor }, true},
		"defaults.verbosity":                   {"2", func(m *Main) any { return m.verbose }, 2},
		"diff.always":                          {"1", func(m *Main) any { return m.diff }, true},
		"tags.run":                             {"a, b", func(m *Main) any { return m.tags }, []string{"a", "b"}},
		"tags.skip":                            {"a", func(m *Main) any { return m.skipTags }, []string{"a"}},
		"privilege_escalation.become":          {"y", func(m *Main) any { return m.become }, true},
		"privilege_escalation.become_user":     {"joe", func(m *Main) any { return m.becomeUser }, "joe"},
		"privilege_escalation.become_method":   {"su", func(m *Main) any { return m.becomeMethod }, "su"},
		"privilege_escalation.become_ask_pass": {"y", func(m *Main) any { return m.askBecome }, true},
		"ssh_connection.ssh_args":              {"-p 22", func(m *Main) any { return m.sshArgs }, " -p 22"},
		"ssh_connection.ssh_common_args":       {"-p 22", func(m *Main) any { return m.sshArgs }, " -p 22"},
		"ssh_connection.ssh_extra_args":        {"-p 22", func(m *Main) any { return m.sshArgs }, " -p 22"},
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(settings(), func(k known) bool { return k.key == key })
			if i < 0 {
				t.Fatal("no such setting")
			}
			k := settings()[i]
			for _, name := range k.env {
				if got := tt.get(configured(t, map[string]string{name: tt.value}, "")); !reflect.DeepEqual(got, tt.want) {
					t.Errorf("%s=%s gives %v, want %v", name, tt.value, got, tt.want)
				}
			}
			section, name, _ := cutDot(key)
			cfg := "[" + section + "]\n" + name + " = " + tt.value + "\n"
			if got := tt.get(configured(t, nil, cfg)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("ansible.cfg gives %v, want %v", got, tt.want)
			}
			if k.flag == "" {
				return
			}
			if got := tt.get(configured(t, nil, cfg, k.flag)); reflect.DeepEqual(got, tt.want) {
				t.Errorf("ansible.cfg wins over --%s", k.flag)
			}
		})
	}
}

func cutDot(key string) (section, name string, ok bool) {
	for i := range key {
		if key[i] == '.' {
			return key[:i], key[i+1:], true
		}
	}
	return key, "", false
}

// configured is a program after its settings; flags are given.
func configured(t *testing.T, env map[string]string, cfg string, flags ...string) *Main {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "ansible.cfg")
	if err := os.WriteFile(file, []byte(cfg), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &Main{Stdin: devNull(t), Stdout: devNull(t), Stderr: devNull(t), Getenv: func(name string) string {
		if name == "ANSIBLE_CONFIG" {
			return file
		}
		return env[name]
	}}
	m.out, m.err = m.Stdout, m.Stderr
	if err := m.configure(func(flag string) bool { return slices.Contains(flags, flag) }); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPasswordFrom(t *testing.T) {
	t.Parallel()
	m := configured(t, nil, "")
	file := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(file, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := m.passwordFrom(t.Context(), "become-password-file", file)
	if err != nil || got != "open sesame" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := m.passwordFrom(t.Context(), "become-password-file", file+"x"); err == nil {
		t.Error("a missing file is no error")
	}
}
