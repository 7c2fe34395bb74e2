package lint

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

const sample = `- hosts: all
  vars: {db_password: hunter2}
  tasks:
    - command: ls | wc -l
    - shell: uptime # noqa: shell-not-needed
    - shell: "ls 'ünder' {{ nothere }}" # noqa
    - file: path=/a mode=0777 # noqa: unquoted-octal
`

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

func TestFormats(t *testing.T) {
	list := check(t, sample)
	var text, js, sarif bytes.Buffer
	for _, err := range []error{WriteText(&text, list), WriteJSON(&js, list), WriteSARIF(&sarif, "1.2.3", list)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "report.txt", text.String())
	golden(t, "report.json", js.String())
	golden(t, "report.sarif", sarif.String())
	for _, out := range []string{text.String(), js.String(), sarif.String()} {
		if strings.Contains(out, "hunter2") {
			t.Errorf("the secret is shown:\n%s", out)
		}
	}
}

func TestNothingFound(t *testing.T) {
	t.Parallel()
	var text, js bytes.Buffer
	if WriteText(&text, nil) != nil || WriteJSON(&js, nil) != nil || text.Len() != 0 || !strings.Contains(js.String(), `"findings": []`) {
		t.Errorf("text %q, JSON %q", text.String(), js.String())
	}
}

// TestSARIF holds the log against what sarif-schema-2.1.0.json requires: its
// required properties, its enumerations and its bounds.
func TestSARIF(t *testing.T) {
	t.Parallel()
	list := check(t, sample)
	list = append(list, InventorySecrets("/etc/my hosts", "web ansible_password=hunter2\n")...)
	list = append(list, check(t, "")...) // a finding of the whole file
	var b bytes.Buffer
	if err := WriteSARIF(&b, "", list); err != nil {
		t.Fatal(err)
	}
	var log map[string]any
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log["version"] != "2.1.0" || !strings.HasSuffix(log["$schema"].(string), "sarif-schema-2.1.0.json") {
		t.Errorf("version %v, schema %v", log["version"], log["$schema"])
	}
	run := log["runs"].([]any)[0].(map[string]any)
	driver := run["tool"].(map[string]any)["driver"].(map[string]any)
	if driver["name"] == "" || !slices.Contains([]string{"utf16CodeUnits", "unicodeCodePoints"}, run["columnKind"].(string)) {
		t.Errorf("driver %v, columnKind %v", driver["name"], run["columnKind"])
	}
	levels := []string{"none", "note", "warning", "error"}
	ids := map[string]bool{}
	rules := driver["rules"].([]any)
	for _, r := range rules {
		r := r.(map[string]any)
		id := r["id"].(string)
		if ids[id] || id == "" || r["shortDescription"].(map[string]any)["text"] == "" ||
			!slices.Contains(levels, r["defaultConfiguration"].(map[string]any)["level"].(string)) {
			t.Errorf("rule %v", r)
		}
		ids[id] = true
	}
	results := run["results"].([]any)
	if len(results) != len(list) || len(list) < 4 {
		t.Fatalf("%d results of %d findings", len(results), len(list))
	}
	for _, r := range results {
		r := r.(map[string]any)
		index := int(r["ruleIndex"].(float64))
		if index < 0 || rules[index].(map[string]any)["id"] != r["ruleId"] || !slices.Contains(levels, r["level"].(string)) ||
			r["message"].(map[string]any)["text"] == "" {
			t.Errorf("result %v", r)
		}
		place := r["locations"].([]any)[0].(map[string]any)["physicalLocation"].(map[string]any)
		uri := place["artifactLocation"].(map[string]any)["uri"].(string)
		if u, err := url.Parse(uri); err != nil || strings.ContainsAny(uri, " \\") || u.Path == "" {
			t.Errorf("uri %q: %v", uri, err)
		}
		region, ok := place["region"].(map[string]any)
		for _, key := range []string{"startLine", "startColumn", "endColumn"} {
			if n, has := region[key]; ok && has && n.(float64) < 1 || ok && key == "startLine" && !has {
				t.Errorf("%s of %v", key, region)
			}
		}
	}
}

func TestInventorySecrets(t *testing.T) {
	t.Parallel()
	got := briefly(InventorySecrets("hosts", `[web]
web1 ansible_host=10.0.0.1 ansible_password=hunter2
web2 ansible_password='{{ vault_pw }}' ansible_ssh_private_key_file=~/.ssh/key
# ansible_password=old
[web:vars]
ansible_become_password = "s3cret"
ansible_become_password: !vault |
host: {ansible_ssh_pass: abc, token: $TOKEN}
web3 ansible_password=x9 # noqa: literal-secret
`))
	want := `2:28 literal-secret the secret of ` + "`ansible_password`" + ` stands here
6:1 literal-secret the secret of ` + "`ansible_become_password`" + ` stands here
8:8 literal-secret the secret of ` + "`ansible_ssh_pass`" + ` stands here
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
