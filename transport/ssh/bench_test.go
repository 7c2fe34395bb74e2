package ssh

import (
	"io"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// zeros reads as n zero bytes.
type zeros struct{ n int }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(len(p), z.n)
	z.n -= n
	return n, nil
}

// BenchmarkUpload sends a pack's worth (28 MB) to sshd, by cipher.
func BenchmarkUpload(b *testing.B) {
	for _, cipher := range ssh.SupportedAlgorithms().Ciphers {
		b.Run(cipher, func(b *testing.B) {
			conn := dial(b, sshd(b, "Ciphers "+cipher+"\n"))
			const size = 28_000_000
			b.SetBytes(size)
			begin := cpu()
			for b.Loop() {
				p, err := conn.Start(b.Context(), "cat >/dev/null")
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.CopyBuffer(p.Stdin(), &zeros{size}, make([]byte, 256<<10)); err != nil {
					b.Fatal(err)
				}
				p.Stdin().Close()
				if exit, err := p.Wait(); err != nil || exit.Code != 0 {
					b.Fatal(exit, err)
				}
				p.Close()
			}
			b.ReportMetric(float64((cpu()-begin).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}

// cpu is the processor time of this side alone: on a busy machine the only
// figure that holds still.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDownload takes the same from sshd with the ciphers as asked for.
func BenchmarkDownload(b *testing.B) {
	conn := dial(b, sshd(b, ""))
	const size = 28_000_000
	b.SetBytes(size)
	for b.Loop() {
		p, err := conn.Start(b.Context(), "head -c 28000000 /dev/zero")
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, p.Stdout()); err != nil || n != size {
			b.Fatal(n, err)
		}
		p.Close()
	}
}

// BenchmarkHandshake dials a server in this process, so that the figures are
// of both sides' work, by key exchange.
func BenchmarkHandshake(b *testing.B) {
	for _, kex := range keyExchanges {
		b.Run(kex, func(b *testing.B) {
			s := newServer(b)
			s.config.KeyExchanges = []string{kex}
			cfg := s.serve(b)
			begin := cpu()
			for b.Loop() {
				dial(b, cfg).Close()
			}
			b.ReportMetric(float64((cpu()-begin).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
		})
	}
}
