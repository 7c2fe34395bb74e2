package runner

import (
	"fmt"
	"testing"

	"thordeploy/inventory"
	"thordeploy/transport"
)

type closing struct {
	transport.Conn
	closed *int
}

func (c closing) Close() error { *c.closed++; return nil }

func TestTheKeeperIsBounded(t *testing.T) {
	t.Parallel()
	k, closed := newKeeper(3), 0
	one := newLoginKey("web1", "root", inventory.Connection{Kind: "ssh"})
	for i := range maxIdle {
		if !k.keep(fmt.Sprint(i), one, &login{conn: closing{closed: &closed}}) {
			t.Fatalf("no room for connection %d", i)
		}
	}
	if k.keep("more", one, &login{}) {
		t.Errorf("more than %d connections are kept", maxIdle)
	}
	if l := k.take("0")[one]; l == nil || !l.idle || len(k.take("0")) != 0 {
		t.Errorf("took %+v", l)
	}
	if !k.keep("more", one, &login{conn: closing{closed: &closed}}) {
		t.Error("a connection that was taken still takes room")
	}
	k.close()
	if closed != maxIdle {
		t.Errorf("%d of %d kept connections were closed", closed, maxIdle)
	}
	if k := newKeeper(maxIdle + 5); k.room != maxIdle+5 {
		t.Errorf("room for %d with %d forks", k.room, maxIdle+5)
	}
}

func TestWhatTellsLoginsApart(t *testing.T) {
	t.Parallel()
	key := func(vars map[string]any) loginKey {
		c, err := inventory.ConnectionOf("web1", vars)
		if err != nil {
			t.Fatal(err)
		}
		return newLoginKey("web1", "root", c)
	}
	plain := key(nil)
	for _, same := range []map[string]any{{"ansible_become": true}, {"ansible_become_user": "x", "color": "red"}} {
		if key(same) != plain {
			t.Errorf("%v makes another connection", same)
		}
	}
	for _, other := range []map[string]any{{"ansible_port": 23}, {"ansible_host": "b"}, {"ansible_connection": "local"}, {"ansible_host_key_checking": false}, {"ansible_ssh_extra_args": "-C"}} {
		if once, again := key(other), key(other); once == plain || once != again {
			t.Errorf("%v makes no other connection, or ever new ones", other)
		}
	}
}
