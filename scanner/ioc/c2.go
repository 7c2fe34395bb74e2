package ioc

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// servers are the addresses of command and control servers.
type servers struct {
	names map[string]*Indicator // domains in lower case, without a dot at the end
	addrs map[netip.Addr]*Indicator
	nets  []network
}

type network struct {
	netip.Prefix
	*Indicator
}

var domainName = regexp.MustCompile(`^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$`)

// add reads DOMAIN, ADDRESS or CIDR, with ;SCORE or ;COMMENT after it.
func (s *servers) add(ind *Indicator) error {
	fields := strings.Split(ind.Text, ";")
	text := strings.ToLower(strings.TrimSpace(fields[0]))
	ind.Text, ind.Score = text, c2Score
	for _, f := range fields[1:] {
		f = strings.TrimSpace(f)
		if n, err := strconv.Atoi(f); err == nil {
			ind.Score = n
		} else if f != "" {
			ind.Description = f
		}
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		if addr = addr.Unmap(); !addr.IsGlobalUnicast() && !addr.IsLinkLocalUnicast() {
			return fmt.Errorf("%s is no server's address: %w", text, errEverywhere)
		}
		put(&s.addrs, addr, ind)
		return nil
	}
	if prefix, err := netip.ParsePrefix(text); err == nil {
		if prefix.Bits() == 0 {
			return fmt.Errorf("%s is every address: %w", text, errEverywhere)
		}
		s.nets = append(s.nets, network{prefix.Masked(), ind})
		return nil
	}
	text = strings.TrimSuffix(text, ".")
	if !domainName.MatchString(text) || len(text) > 253 {
		return errors.New("neither a domain nor an address nor a network in CIDR notation")
	}
	put(&s.names, text, ind)
	return nil
}

// Address returns the C2 indicator for an address, nil where there is none.
func (l *Lists) Address(a netip.Addr) *Indicator {
	a = a.Unmap().WithZone("")
	if ind := l.servers.addrs[a]; ind != nil {
		return ind
	}
	for _, n := range l.servers.nets {
		if n.Contains(a) {
			return n.Indicator
		}
	}
	return nil
}

// Domain returns the C2 indicator for a name: of itself or of a domain that it
// is below, nil where there is none.
func (l *Lists) Domain(name string) *Indicator {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for name != "" {
		if ind := l.servers.names[name]; ind != nil {
			return ind
		}
		_, above, _ := strings.Cut(name, ".")
		name = above
	}
	return nil
}
