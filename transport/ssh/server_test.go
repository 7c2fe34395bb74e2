package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// newKey makes an ed25519 key and, in the test's folder, its private file.
func newKey(t testing.TB) (signer ssh.Signer, file string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if signer, err = ssh.NewSignerFromKey(private); err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "key")
	writeFile(t, file, string(pem.EncodeToMemory(block)))
	return signer, file
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// server is an SSH server in this process, for the faults that a real one
// can't be made to have. Fields are set before it serves.
type server struct {
	config        *ssh.ServerConfig
	accept        func(net.Conn) net.Conn        // looks at a connection first; nil: it was dealt with
	session       func(ssh.NewChannel) bool      // true: it was dealt with
	request       func(string, ssh.Channel) bool // true: it was dealt with
	key           ssh.Signer                     // the host's
	clientKeyFile string
	listener      net.Listener
	mu            sync.Mutex
	conns         []net.Conn
}

// newServer gives a server that lets root in by a key.
func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{}
	var client ssh.Signer
	client, s.clientKeyFile = newKey(t)
	s.key, _ = newKey(t)
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) == string(client.PublicKey().Marshal()) {
			return nil, nil
		}
		return nil, errors.New("unknown key")
	}}
	return s
}

// serve starts s and gives the configuration that reaches it.
func (s *server) serve(t testing.TB) Config {
	t.Helper()
	s.config.AddHostKey(s.key)
	cfg := s.listen(t, s.handle)
	cfg.KeyFiles = []string{s.clientKeyFile}
	cfg.KnownHosts = knowing(t, cfg, s.key.PublicKey())
	return cfg
}

// listen serves every connection with handle, until the test ends.
func (s *server) listen(t testing.TB, handle func(net.Conn)) Config {
	t.Helper()
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			all.Go(func() { defer c.Close(); handle(c) })
		}
	})
	t.Cleanup(func() { s.listener.Close(); s.cut(); all.Wait() })
	return configFor(s.listener)
}

// cut breaks every connection.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
}

func configFor(l net.Listener) Config {
	addr := l.Addr().(*net.TCPAddr)
	return Config{Host: addr.IP.String(), Port: addr.Port, User: "root"}
}

// knowing is a known_hosts file in which cfg's host has key.
func knowing(t testing.TB, cfg Config, key ssh.PublicKey) *KnownHosts {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	name := "[" + cfg.Host + "]:" + strconv.Itoa(cfg.Port)
	writeFile(t, file, knownHostsLine(name, key)+"\n")
	return load(t, file)
}

func load(t testing.TB, files ...string) *KnownHosts {
	t.Helper()
	k, err := LoadKnownHosts(files...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (s *server) handle(c net.Conn) {
	if s.accept != nil {
		if c = s.accept(c); c == nil {
			return
		}
	}
	conn, chans, reqs, err := ssh.NewServerConn(c, s.config)
	if err != nil {
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(reqs)
	var sessions sync.WaitGroup
	for ch := range chans {
		if s.session != nil && s.session(ch) {
			continue
		}
		channel, requests, err := ch.Accept()
		if err != nil {
			continue
		}
		sessions.Go(func() { s.run(channel, requests) })
	}
	sessions.Wait()
}

// run serves one session's first request.
func (s *server) run(ch ssh.Channel, reqs <-chan *ssh.Request) {
	defer ch.Close()
	req, ok := <-reqs
	if !ok {
		return
	}
	var m struct{ Text string }
	ssh.Unmarshal(req.Payload, &m)
	if s.request != nil && s.request(m.Text, ch) {
		req.Reply(false, nil)
		return
	}
	req.Reply(true, nil)
	go ssh.DiscardRequests(reqs)
	if req.Type != "subsystem" {
		execute(m.Text, ch)
		return
	}
	if files, err := sftp.NewServer(ch); err == nil {
		files.Serve()
	}
}

// execute runs line as sshd does: the channel's end is the end of the streams,
// not of the command.
func execute(line string, ch ssh.Channel) {
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, _ := cmd.StdinPipe()
	stdout, _ := cmd.StdoutPipe()
	stderr, _ := cmd.StderrPipe()
	if cmd.Start() != nil {
		return
	}
	go func() { io.Copy(stdin, ch); stdin.Close() }()
	var out sync.WaitGroup
	out.Go(func() { io.Copy(ch, stdout); stdout.Close() })
	out.Go(func() { io.Copy(ch.Stderr(), stderr); stderr.Close() })
	out.Wait()
	cmd.Wait()
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		name := "TERM"
		for n, number := range signalNumbers {
			if number == status.Signal() {
				name = n
			}
		}
		ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal     string
			Core       bool
			Text, Lang string
		}{Signal: name}))
		return
	}
	ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status.ExitStatus())}))
}

// sshd serves each connection with a real sshd in inetd mode, configured by
// the lines of extra, which win over what a test needs.
func sshd(t testing.TB, extra string) Config {
	t.Helper()
	path, err := exec.LookPath("sshd")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/sshd")
	}
	if err != nil || os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("OpenSSH's sshd and root are needed: apt-get install openssh-server")
		}
		t.Skip("OpenSSH's sshd and root are needed: apt-get install openssh-server")
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // its privilege separation wants it
		t.Fatal(err)
	}
	dir := t.TempDir()
	host, hostFile := newKey(t)
	client, clientFile := newKey(t)
	writeFile(t, dir+"/authorized_keys", string(ssh.MarshalAuthorizedKey(client.PublicKey())))
	writeFile(t, dir+"/config", extra+"HostKey "+hostFile+"\nAuthorizedKeysFile "+dir+"/authorized_keys\n"+
		"StrictModes no\nUsePAM no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\nPidFile none\n"+
		"SetEnv SHLVL=2\n") // or bash would read this machine's .bashrc, which may be slow and talk
	s := &server{}
	cfg := s.listen(t, func(c net.Conn) {
		socket, err := c.(*net.TCPConn).File()
		if err != nil {
			return
		}
		c.Close()
		defer socket.Close()
		cmd := exec.Command(path, "-i", "-f", dir+"/config", "-E", dir+"/log")
		cmd.Stdin, cmd.Stdout = socket, socket
		cmd.Run()
	})
	cfg.KeyFiles = []string{clientFile}
	cfg.KnownHosts = knowing(t, cfg, host.PublicKey())
	t.Cleanup(func() {
		if log, _ := os.ReadFile(dir + "/log"); t.Failed() {
			t.Logf("sshd's log:\n%s", log)
		}
	})
	return cfg
}
