package shell_test

import (
	"testing"
	"time"

	"thordeploy/transport/local"
	"thordeploy/transport/shell"
)

func BenchmarkOpen(b *testing.B) {
	conn := local.Dial()
	defer conn.Close()
	for b.Loop() {
		s, err := shell.Open(b.Context(), conn, shell.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := s.Close(b.Context(), false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommand(b *testing.B) {
	conn := local.Dial()
	defer conn.Close()
	s, err := shell.Open(b.Context(), conn, shell.Options{Lease: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if rc, err := s.Command(b.Context(), shell.Command{Argv: []string{"true"}}, nil, nil); rc != 0 || err != nil {
			b.Fatal(rc, err)
		}
	}
}
