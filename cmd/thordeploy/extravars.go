package main

import (
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxVarsFile bounds a file given as -e @file, in bytes.
const maxVarsFile = 16 << 20

// readExtraVars joins the values of -e, later ones winning: key=value words
// (texts), a JSON or YAML mapping, or @file with one.
func readExtraVars(list []string) (map[string]any, error) {
	out := map[string]any{}
	for _, text := range list {
		m, err := extraVars(text)
		if err != nil {
			return nil, err
		}
		for k, v := range m {
			out[k] = v
		}
	}
	return out, nil
}

func extraVars(text string) (map[string]any, error) {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "@"):
		return varsFile(trimmed[1:])
	case strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "["):
		return mapping([]byte(trimmed), "-e")
	}
	words, err := splitWords(text)
	if err != nil {
		return nil, wrong("quote each value: -e 'path=\"a b\"'", "-e: %w", err)
	}
	out := map[string]any{}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok || k == "" {
			return nil, wrong("write -e key=value, -e '{\"key\": 1}' or -e @file.yml", "-e %q is not key=value", w)
		}
		out[k] = v
	}
	return out, nil
}

func varsFile(name string) (map[string]any, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, wrong("check the path after @", "-e @%s: %w", name, cause(err))
	}
	if !info.Mode().IsRegular() || info.Size() > maxVarsFile {
		return nil, wrong("", "-e @%s: not a file of %d MiB at most", name, maxVarsFile>>20)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, wrong("", "-e @%s: %w", name, cause(err))
	}
	return mapping(data, "-e @"+name)
}

func mapping(data []byte, where string) (map[string]any, error) {
	var m map[string]any
	if err := yaml.Unmarshal(data, &m); err != nil {
		return nil, wrong("it must be a mapping of names to values, in JSON or YAML", "%s: %s", where, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return m, nil
}
