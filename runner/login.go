package runner

import (
	"strconv"
	"sync"

	"thordeploy/inventory"
	"thordeploy/transport"
)

// login is a connection to the host, as one account.
type login struct {
	conn transport.Conn
	user string // the account logged in as, empty where the connection can't tell
	err  error  // why there is none: asked once, not again at each task
	idle bool   // kept since an earlier play and not used in this one yet
}

// loginKey is what tells one connection to a host from another.
type loginKey struct {
	host     string
	asked    string               // the account
	to       inventory.Connection // where to and how, without pointers
	checking string               // what to says of host keys
	retries  string
}

func newLoginKey(host, asked string, to inventory.Connection) loginKey {
	k := loginKey{host: host, asked: asked, to: to}
	if to.HostKeyChecking != nil {
		k.checking = strconv.FormatBool(*to.HostKeyChecking)
	}
	if to.Retries != nil {
		k.retries = strconv.Itoa(*to.Retries)
	}
	k.to.HostKeyChecking, k.to.Retries, k.to.Become = nil, nil, inventory.Become{}
	return k
}

// maxIdle is how many connections may stay open between plays, or as many as
// there are forks. A host beyond that is connected to again in the next play.
const maxIdle = 100

// keeper holds hosts' connections between plays.
type keeper struct {
	mu   sync.Mutex
	room int
	kept map[string]map[loginKey]*login // by host
}

func newKeeper(forks int) *keeper {
	return &keeper{room: max(maxIdle, forks), kept: map[string]map[loginKey]*login{}}
}

// keep reports whether it took l over.
func (k *keeper) keep(host string, key loginKey, l *login) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.room == 0 {
		return false
	}
	k.room--
	if k.kept[host] == nil {
		k.kept[host] = map[loginKey]*login{}
	}
	l.idle = true
	k.kept[host][key] = l
	return true
}

// take gives a host's connections to the caller.
func (k *keeper) take(host string) map[loginKey]*login {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := k.kept[host]
	delete(k.kept, host)
	k.room += len(list)
	if list == nil {
		list = map[loginKey]*login{}
	}
	return list
}

// close closes what is still kept.
func (k *keeper) close() {
	for _, list := range k.kept {
		for _, l := range list {
			_ = l.conn.Close() // nothing runs on it
		}
	}
}
