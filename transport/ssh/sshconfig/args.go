package sshconfig

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Args is what arguments of ssh(1) say (ansible_ssh_common_args and its kin).
type Args struct {
	// File is -F: the one file to read; "none" for none; empty: the usual ones.
	File string

	draft *draft
}

// flagsOf are the arguments of ssh(1) that stand for an option.
var flagsOf = map[byte]string{'p': "Port", 'l': "User", 'i': "IdentityFile", 'J': "ProxyJump", 'b': "BindAddress", 'c': "Ciphers", 'm': "MACs"}

// idle are those that change nothing here.
const idle = "CqTaxvnNXYM"

// ParseArgs reads arguments as a shell would split them. An option that isn't
// known is an error, since nobody writes one here in vain.
func ParseArgs(text string) (Args, error) {
	a := Args{draft: newDraft()}
	words, err := SplitWords(text)
	if err != nil {
		return a, err
	}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if len(word) < 2 || word[0] != '-' {
			return a, fmt.Errorf("%s is not known here: only ssh's options are", word)
		}
		c := word[1]
		if strings.Trim(word[1:], idle) == "" {
			continue
		}
		switch {
		case word == "-4" || word == "-6":
			family := map[byte]string{'4': "inet", '6': "inet6"}[c]
			if err := a.option("AddressFamily=" + family); err != nil {
				return a, err
			}
			continue
		case word == "-A":
			a.draft.note("-A", "the agent is not forwarded to hosts, which isn't done here")
			continue
		case flagsOf[c] == "" && c != 'o' && c != 'F':
			return a, fmt.Errorf("%s is not known here: only -o, -p, -l, -i, -J, -F, -b, -c, -m, -4, -6 and -A are", word)
		}
		value := word[2:]
		if value == "" {
			if len(words) == 0 {
				return a, fmt.Errorf("%s needs a value", word)
			}
			value, words = words[0], words[1:]
		}
		if err := a.take(c, value); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (a *Args) take(c byte, value string) error {
	switch c {
	case 'o':
		return a.option(value)
	case 'F':
		a.File = value
		return nil
	}
	name := flagsOf[c]
	return a.draft.set(line{place: "-" + string(c), key: strings.ToLower(name), name: name, words: []string{value}, raw: value})
}

// option takes one `-o Key=Value`.
func (a *Args) option(text string) error {
	i := strings.IndexAny(text, "= \t")
	if i < 0 {
		return fmt.Errorf("-o %s has no value", text)
	}
	name := text[:i]
	value := strings.TrimLeft(text[i:], "= \t")
	words, err := splitLine(value)
	if err != nil {
		return fmt.Errorf("-o %s: %w", name, err)
	}
	key := strings.ToLower(name)
	if !known(key) {
		return fmt.Errorf("-o %s is not known here", name)
	}
	return a.draft.set(line{place: "-o", key: key, name: name, words: words, raw: value})
}

// known reports whether there is a keyword of that name.
func known(key string) bool {
	_, isList := lists[key]
	_, isSingle := single[key]
	_, trusts := trusting[key]
	return isList || isSingle || trusts || refusable[key] != "" || key == "proxycommand" || harmless[key] || undone[key]
}

// Keywords are those that something comes of, in lower case and in order.
func Keywords() []string {
	list := slices.Concat(slices.Collect(maps.Keys(lists)), slices.Collect(maps.Keys(single)), slices.Collect(maps.Keys(refusable)), []string{"proxycommand"})
	list = slices.DeleteFunc(list, func(k string) bool { return k == "challengeresponseauthentication" }) // an old name
	slices.Sort(list)
	return list
}

// Options is what the arguments alone say, their tokens unexpanded.
func (a Args) Options() Options {
	if a.draft == nil {
		return Options{}
	}
	return a.draft.Options
}
