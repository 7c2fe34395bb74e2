package main

import (
	"context"
	"errors"
	"fmt"

	"thordeploy/transport/ssh"
	"thordeploy/transport/ssh/sshconfig"
)

// maxHops bounds jump hosts behind jump hosts.
const maxHops = 16

// setWay sets how cfg's host is reached: through jump hosts, by a command, or
// straight.
func (d *dialer) setWay(ctx context.Context, cfg *ssh.Config, o sshconfig.Options, file string, depth int) error {
	switch {
	case o.ProxyCommand != "":
		cfg.DialContext = ssh.ProxyCommand(d.shell, o.ProxyCommand)
		cfg.Lane = "ProxyCommand " + o.ProxyAs // one sshd stands behind it, as a rule
	case len(o.Jumps) > 0:
		way, err := d.wayThrough(ctx, o.Jumps, file, depth)
		if err != nil {
			return err
		}
		cfg.Way = way
	}
	return nil
}

// wayThrough is the way through jump hosts, the first of which is reached as its
// own options of ssh_config say. As for ssh, a host's arguments and keys aren't
// its jump hosts'.
func (d *dialer) wayThrough(ctx context.Context, hops []sshconfig.Hop, file string, depth int) (*ssh.Way, error) {
	if depth+len(hops) > maxHops {
		return nil, errors.New("ProxyJump: jump hosts need each other in a circle, or are too many")
	}
	var way *ssh.Way
	key := "-F " + file
	for i, hop := range hops {
		key += fmt.Sprintf(" -J %s@%s:%d", hop.User, hop.Host, hop.Port)
		args := sshconfig.Args{File: file}
		o, err := d.options(ctx, sshAsked{host: hop.Host, user: hop.User, port: hop.Port, file: file}, args)
		if err != nil {
			return nil, fmt.Errorf("jump host %s: %w", hop.Host, err)
		}
		cfg, err := d.base(hop.Host, o, args)
		if err != nil {
			return nil, fmt.Errorf("jump host %s: %w", hop.Host, err)
		}
		if i == 0 {
			err = d.setWay(ctx, &cfg, o, file, depth+len(hops))
		} else {
			cfg.Way = way
		}
		if err != nil {
			return nil, err
		}
		way = d.jumps.Through(key, cfg)
	}
	return way, nil
}
