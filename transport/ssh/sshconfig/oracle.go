package sshconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// oracleTime bounds one question to ssh, whose Match exec may run anything.
const oracleTime = 10 * time.Second

// oracle asks `ssh -G` what the files say about a host.
type oracle struct {
	env   Env
	files []string

	once     sync.Once
	defaults map[string]bool // lines that ssh says of any host
	err      error
}

// ask gives the lines that ssh says of the host and wouldn't say without files.
func (o *oracle) ask(ctx context.Context, a Asked) ([]line, error) {
	o.once.Do(func() {
		var text string
		if text, o.err = o.run(ctx, nil, a.Host); o.err == nil {
			o.defaults = map[string]bool{}
			for l := range strings.Lines(text) {
				o.defaults[strings.TrimSpace(l)] = true
			}
		}
	})
	if o.err != nil {
		return nil, o.err
	}
	var args []string
	if a.User != "" {
		args = append(args, "-l", a.User)
	}
	if a.Port != 0 {
		args = append(args, "-p", fmt.Sprint(a.Port))
	}
	text, err := o.run(ctx, o.files, append(args, a.Host)...)
	if err != nil {
		return nil, err
	}
	var lines []line
	for written := range strings.Lines(text) {
		written = strings.TrimSpace(written)
		name, value, ok := strings.Cut(written, " ")
		if !ok || o.defaults[written] || name == "host" {
			continue
		}
		l := line{place: "ssh -G", key: strings.ToLower(name), name: name, words: []string{value}, raw: value}
		if strings.HasSuffix(l.key, "knownhostsfile") {
			l.words = strings.Fields(value)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// run has ssh read files instead of its own, since it finds those by the
// account's entry in passwd(5), whatever $HOME says.
func (o *oracle) run(ctx context.Context, files []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, oracleTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.env.SSH, append([]string{"-G", "-F", "/dev/stdin"}, args...)...)
	var config strings.Builder
	for _, f := range files {
		fmt.Fprintf(&config, "Include \"%s\"\n", f)
	}
	cmd.Stdin = strings.NewReader(config.String())
	cmd.WaitDelay = time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("no answer within %v", oracleTime)
		}
		if said := strings.TrimSpace(errs.String()); said != "" {
			return "", errors.New(said)
		}
		return "", err
	}
	return out.String(), nil
}
