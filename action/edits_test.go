package action

import (
	"encoding/json"
	"os"
	"testing"
)

// TestEditsAsAnsibleMakesThem: what ansible-core 2.14's blockinfile and replace
// made of the same files.
func TestEditsAsAnsibleMakesThem(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/edits.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Module, Content, Want, Msg string
		Params                     map[string]any
		Changed                    bool
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	eachShell(t, func(t *testing.T, h *host) {
		for _, c := range cases {
			at := write(t, t.TempDir()+"/f", c.Content, 0o640)
			v := values{"path": at}
			for k, p := range c.Params {
				v[k] = p
			}
			r := mustOK(t, h.run(t, c.Module, v, inCheck, withDiff), c.Changed)
			if (len(r.Diff) == 1 && r.Diff[0].After == c.Want) != c.Changed {
				t.Errorf("%s %v: diff %+v", c.Module, c.Params, r.Diff)
			}
			holds(t, at, c.Content, 0o640)
			r = mustOK(t, h.run(t, c.Module, v), c.Changed)
			if r.Msg != c.Msg {
				t.Errorf("%s %v says %q, Ansible %q", c.Module, c.Params, r.Msg, c.Msg)
			}
			if _, has := r.Values["rc"]; has != (c.Module == "replace") {
				t.Errorf("%s: values %v", c.Module, r.Values)
			}
			holds(t, at, c.Want, 0o640)
		}
	})
}

func TestEditsOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, h *host) {
		at := t.TempDir() + "/f"
		mustFail(t, h.run(t, "blockinfile", values{"path": at, "block": "x"}), "does not exist")
		r := mustOK(t, h.run(t, "blockinfile", values{"path": at, "block": "x", "create": true, "mode": "0600"}), true)
		holds(t, at, "# BEGIN ANSIBLE MANAGED BLOCK\nx\n# END ANSIBLE MANAGED BLOCK\n", 0o600)
		if r.Values["msg"] == "" {
			t.Errorf("values: %v", r.Values)
		}
		r = mustOK(t, h.run(t, "blockinfile", values{"path": at, "block": "y", "backup": true}), true)
		saved, _ := r.Values["backup_file"].(string)
		holds(t, saved, "# BEGIN ANSIBLE MANAGED BLOCK\nx\n# END ANSIBLE MANAGED BLOCK\n", 0o600)
		mustFail(t, h.run(t, "replace", values{"path": at, "regexp": "y", "replace": "z", "validate": "false %s"}), "failed to validate")
		mustFail(t, h.run(t, "replace", values{"path": at, "regexp": "("}), "can't be used")
		mustFail(t, h.run(t, "blockinfile", values{"path": at, "block": "x", "insertafter": "("}), "can't be used")
		mustFail(t, h.run(t, "replace", values{"path": at + "x", "regexp": "a"}), "does not exist")
	})
}
