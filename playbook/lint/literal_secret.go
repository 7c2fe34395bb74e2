package lint

import (
	"regexp"
	"strings"

	"thordeploy/internal/diag"
	"thordeploy/playbook"
)

var literalSecret = Rule{
	ID: "literal-secret", Severity: diag.Error,
	Doc:   "a password, key or token that stands in a file",
	Why:   "Whoever can read the file, or any older version of it, has the secret. On a command line it is in the process list of the host too.",
	check: checkSecrets,
}

const secretHint = "encrypt it with `thordeploy vault encrypt`, ask for it (vars_prompt, -K, -k), or take it from the environment"

var (
	secretName = regexp.MustCompile(`(?i)(password|passwd|passphrase)($|[_-])|(^|[_-])(pass|secret|token|api_?key|apikey|private_?key|secret_?key|access_?key|auth_?key|portal_?key|credentials?)($|[_-])`)
	// notSecret are names that have such a word in them and hold none.
	notSecret = regexp.MustCompile(`(?i)(file|path|dir|folder|url|uri|name|length|len|lifetime|expire|expires|min|max|days|prompt|method|hash_?type|id|policy|required|enabled|store|var|ask|no|update|checksum)$|^(ask|no|update|use|has|is|get|generate|change|min|max|expire)[_-]`)
	secretURL = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@]+:([^/\s@]+)@`)
	// secretForm are texts that are secrets by what they look like.
	secretForm = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bxox[abpr]-[0-9A-Za-z-]{10,}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.`)
	// secretOption is an option of a command line with a secret behind it.
	secretOption = regexp.MustCompile(`(?i)^(--?)?([a-z0-9_-]+)=(.+)$`)
)

func checkSecrets(p *pass) {
	for i := range p.plays {
		v := &p.plays[i]
		p.secretVars(v.Vars)
		for _, f := range v.VarsFiles {
			p.secretVars(f.Vars)
		}
		for _, r := range v.RoleList {
			p.secretVars(r.Defaults)
			p.secretVars(r.Vars)
		}
		p.secretValue("environment", v.Environment)
	}
	p.steps(func(s *step) {
		p.secretVars(s.Vars)
		p.secretValue("environment", s.Environment)
		if s.Role != nil {
			p.secretVars(s.Role.Params)
		}
		for name, v := range s.Args {
			if s.isCommand() && (name == "cmd" || name == "argv") {
				continue
			}
			p.secretValue(name, v)
		}
		if s.isCommand() {
			p.secretWords(s)
		}
	})
}

func (p *pass) secretVars(list []playbook.Var) {
	for _, v := range list {
		p.secretValue(v.Name, v.Value)
	}
}

// secretValue looks at every text in a value; name is the variable's or the
// parameter's.
func (p *pass) secretValue(name string, v *playbook.Value) {
	for _, sc := range v.Scalars() {
		key := name
		if sc.Key != "" {
			key = sc.Key
		}
		switch {
		case p.Encrypted != nil && p.Encrypted(sc.Text):
		case isSecretName(key) && isSecret(sc.Text):
			p.report(sc.Range, secretHint, "the secret of `%s` stands here", key)
		case hasSecret(sc.Text):
			p.report(sc.Range, secretHint, "`%s` holds a secret", key)
		}
	}
}

// secretWords looks at a command line.
func (p *pass) secretWords(s *step) {
	v := s.Args["cmd"]
	if v == nil {
		v = s.Args["argv"]
	}
	words := s.written()
	for i, w := range words {
		name, value := "", ""
		if m := secretOption.FindStringSubmatch(w); m != nil {
			name, value = m[2], m[3]
		} else if strings.HasPrefix(w, "--") && i+1 < len(words) && !strings.HasPrefix(words[i+1], "-") {
			name, value = w[2:], words[i+1]
		}
		if name != "" && isSecretName(name) && isSecret(value) || hasSecret(w) {
			p.report(v.Range(), secretHint+"; give it on stdin or in `environment`", "a secret stands in the command line")
			return
		}
	}
}

// written are the words of the command line with their templates as written.
func (s *step) written() []string {
	if s.Args["argv"] != nil {
		return s.words()
	}
	var out []string
	for _, w := range split(s.Args["cmd"].Text()) {
		out = append(out, w.text)
	}
	return out
}

func isSecretName(name string) bool {
	return secretName.MatchString(name) && !notSecret.MatchString(name)
}

// isSecret reports a text that stands for itself: no template, no reference, no
// word that says that there is none.
func isSecret(text string) bool {
	t := strings.TrimSpace(text)
	switch strings.ToLower(t) {
	case "", "none", "null", "true", "false", "yes", "no", "omit", "prompt", "*", "!", "!!", "-":
		return false
	}
	return !strings.Contains(t, "{{") && !strings.Contains(t, "{%") && !strings.HasPrefix(t, "$") &&
		!strings.HasPrefix(t, "/") && !strings.HasPrefix(t, "~") && !strings.HasPrefix(t, "$ANSIBLE_VAULT") && strings.Trim(t, "*xX.<>") != ""
}

// hasSecret reports a text that has a secret in it by its form.
func hasSecret(text string) bool {
	if secretForm.MatchString(text) {
		return true
	}
	m := secretURL.FindStringSubmatch(text)
	return m != nil && isSecret(m[1])
}
