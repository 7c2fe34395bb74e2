package lab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"thordeploy/internal/lab/relay"
)

// Linked is a lab as it looks from the far end of a network: each host behind
// a link of its own.
type Linked struct {
	*Lab // Inventory, KnownHosts and Hosts are those behind the links
	// Relays are the links, by the hosts' names.
	Relays map[string]*relay.Relay
}

// Behind puts a link before each host. What it writes goes into dir, which must
// be there. The hosts themselves are still the lab's: close the links first.
func (l *Lab) Behind(dir string, link relay.Link) (*Linked, error) {
	far := &Lab{Dir: dir, Backend: l.Backend, Key: l.Key, Inventory: filepath.Join(dir, inventoryFile), KnownHosts: filepath.Join(dir, knownHostsFile)}
	b := &Linked{Lab: far, Relays: map[string]*relay.Relay{}}
	known, err := os.ReadFile(l.KnownHosts)
	if err != nil {
		return nil, fmt.Errorf("putting the lab behind links: %w", err)
	}
	text := string(known)
	for _, h := range l.Hosts {
		r, err := relay.Start(net.JoinHostPort(h.Addr, strconv.Itoa(h.Port)), link)
		if err != nil {
			return nil, errors.Join(err, b.Close())
		}
		b.Relays[h.Name] = r
		text = strings.Replace(text, fmt.Sprintf("[%s]:%d ", h.Addr, h.Port), fmt.Sprintf("[127.0.0.1]:%d ", r.Port), 1)
		far.Hosts = append(far.Hosts, &Host{Name: h.Name, Addr: "127.0.0.1", Port: r.Port, lab: far, dir: h.dir, client: h.client, init: h.init, gone: h.gone})
	}
	for path, content := range map[string][]byte{far.KnownHosts: []byte(text), far.Inventory: far.inventory(far.Hosts)} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, errors.Join(fmt.Errorf("putting the lab behind links: %w", err), b.Close())
		}
	}
	return b, nil
}

// Close ends the links.
func (b *Linked) Close() error {
	var errs []error
	for _, r := range b.Relays {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
