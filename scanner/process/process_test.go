package process

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thordeploy/scanner"
	"thordeploy/scanner/finding"
)

// plantWord makes this test's program a process to be found.
const plantWord = "THORSCAN_TEST_PLANT"

func TestMain(m *testing.M) {
	if os.Getenv(plantWord) == "writable code" {
		mem, err := unix.Mmap(-1, 0, 1<<16, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			os.Exit(1)
		}
		mem[0] = 1
		time.Sleep(time.Minute)
		runtime.KeepAlive(mem)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// run starts a process that ends with the test.
func run(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

// look walks over all processes and returns the one asked for.
func look(t *testing.T, pid int) *scanner.Object {
	t.Helper()
	var got *scanner.Object
	err := (&Source{}).Walk(t.Context(), &scanner.Ledger{}, func(o *scanner.Object) bool {
		if o.Process.PID == pid {
			got = o
		}
		return got == nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// ruleOf returns the reason of a rule, nil where there is none.
func ruleOf(o *scanner.Object, rule string) *finding.Reason {
	if o == nil {
		return nil
	}
	i := slices.IndexFunc(o.Known, func(r finding.Reason) bool { return r.Signature.RuleName == rule })
	if i < 0 {
		return nil
	}
	return &o.Known[i]
}

// finds waits until the process has come to where the rule finds it.
func finds(t *testing.T, pid int, rule string, score int) *scanner.Object {
	t.Helper()
	var o *scanner.Object
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		o = look(t, pid)
		if r := ruleOf(o, rule); r != nil {
			if r.Signature.Score != score {
				t.Errorf("%s has score %d, want %d: %s", rule, r.Signature.Score, score, r.Summary)
			}
			return o
		}
	}
	t.Fatalf("%s is not found; what is: %+v", rule, o)
	return nil
}

// program is a copy of sleep in a folder of the test's own.
func program(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	syscall.ForkLock.RLock() // no child may hold it open for writing
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// plain is a folder outside the temporary ones.
func plain(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(".", "plant")
	if err != nil {
		t.Fatal(err)
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestAnOrdinaryProcess(t *testing.T) {
	pid := run(t, exec.Command("sleep", "60"))
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		o := look(t, pid)
		if o == nil || len(o.Process.Args) != 2 {
			if time.Now().After(end) {
				t.Fatalf("%+v", o)
			}
			continue // not yet what it becomes
		}
		if len(o.Known) != 0 {
			t.Errorf("reasons: %+v", o.Known)
		}
		s := o.Describe(o).(*finding.Process)
		if s.PID != pid || s.Name != "sleep" || s.Command != "sleep 60" || !strings.HasSuffix(s.Image.Path, "sleep") && !strings.HasSuffix(s.Image.Path, "coreutils") ||
			s.Image.Exists != "yes" || s.Parent.PID != os.Getpid() || s.Owner == "" || s.Created == nil || time.Since(*s.Created) > time.Minute || time.Since(*s.Created) < -time.Minute {
			t.Errorf("subject: %+v %+v %+v", s, s.Image, s.Parent)
		}
		return
	}
}

func TestDeletedExecutable(t *testing.T) {
	exe := program(t, plain(t), "daemon")
	pid := run(t, exec.Command(exe, "60"))
	if o := look(t, pid); ruleOf(o, "Process_Deleted_Executable") != nil {
		t.Error("found before it was deleted")
	}
	if err := os.Remove(exe); err != nil {
		t.Fatal(err)
	}
	o := finds(t, pid, "Process_Deleted_Executable", 60)
	if s := o.Describe(o).(*finding.Process); s.Image.Path != exe || s.Image.Exists != "no" {
		t.Errorf("image: %+v", s.Image)
	}
	// A new file of that name is what an update of its package looks like.
	if err := os.WriteFile(exe, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	finds(t, pid, "Process_Deleted_Executable", 20)
}

func TestTemporaryExecutable(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "plant")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	exe := program(t, dir, "x")
	pid := run(t, exec.Command(exe, "60"))
	finds(t, pid, "Process_Temporary_Executable", 60)
	if err := os.Remove(exe); err != nil {
		t.Fatal(err)
	}
	finds(t, pid, "Process_Deleted_Executable", 80)
}

func TestHiddenExecutable(t *testing.T) {
	dir := filepath.Join(plain(t), ".x")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	finds(t, run(t, exec.Command(program(t, dir, "daemon"), "60")), "Process_Hidden_Executable", 55)
}

func TestMemoryExecutable(t *testing.T) {
	fd, err := unix.MemfdCreate("kdev", 0)
	if err != nil {
		t.Fatal(err)
	}
	mem := os.NewFile(uintptr(fd), "kdev")
	defer mem.Close()
	src, err := os.Open("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := io.Copy(mem, src); err != nil {
		t.Fatal(err)
	}
	// It is open for writing here: what runs is its file of another number.
	cmd := exec.Command("/bin/sh", "-c", "exec /proc/self/fd/3 60")
	read, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	mem.Close()
	cmd.ExtraFiles = []*os.File{read}
	finds(t, run(t, cmd), "Process_Memory_Executable", 80)
}

func TestShellOnSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("/bin/sh")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = file, file, file
	pid := run(t, cmd)
	o := finds(t, pid, "Process_Shell_On_Socket", 85)
	peer := netip.MustParseAddrPort(client.LocalAddr().String())
	if !slices.Contains(o.Process.Remote, peer) {
		t.Errorf("peers %v, not %v", o.Process.Remote, peer)
	}
	s := o.Describe(o).(*finding.Process)
	if len(s.Connections) == 0 || s.Connections[0].RemotePort != peer.Port() || s.Connections[0].Status != "ESTABLISHED" {
		t.Errorf("connections: %+v", s.Connections)
	}
}

func TestListenPorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("sleep", "60")
	cmd.ExtraFiles = []*os.File{file}
	o := look(t, run(t, cmd))
	want := uint16(l.Addr().(*net.TCPAddr).Port)
	if s := o.Describe(o).(*finding.Process); !slices.Contains(s.ListenPorts, want) {
		t.Errorf("ports %v, not %d", s.ListenPorts, want)
	}
}

func TestKernelMasquerade(t *testing.T) {
	path, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	finds(t, run(t, &exec.Cmd{Path: path, Args: []string{"[kworker/0:1-ev]", "60"}}), "Process_Kernel_Thread_Masquerade", 85)
	finds(t, run(t, exec.Command(program(t, plain(t), "kswapd0"), "60")), "Process_Kernel_Thread_Masquerade", 80)
}

func TestPreload(t *testing.T) {
	for value, score := range map[string]int{"/dev/shm/x.so": 80, "/usr/lib/libown.so": 50} {
		cmd := exec.Command("sleep", "60")
		cmd.Env = []string{"PATH=/bin:/usr/bin", "LD_PRELOAD=" + value}
		finds(t, run(t, cmd), "Process_Preload", score)
	}
	cmd := exec.Command("sleep", "60")
	cmd.Env = []string{"LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"}
	if o := look(t, run(t, cmd)); ruleOf(o, "Process_Preload") != nil {
		t.Error("a usual library is reported")
	}
}

func TestTraced(t *testing.T) {
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	finds(t, run(t, cmd), "Process_Traced", 45)
}

func TestWritableCode(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), plantWord+"=writable code")
	finds(t, run(t, cmd), "Process_Writable_Code", 45)
}

func TestNoHistory(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "sleep 60; :")
	cmd.Env = []string{"PATH=/bin:/usr/bin", "HISTFILE=/dev/null"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pid := run(t, cmd)
	t.Cleanup(func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
	finds(t, pid, "Process_No_History", 50)
}

func TestDeletedScript(t *testing.T) {
	script := filepath.Join(plain(t), "job.sh")
	if err := os.WriteFile(script, []byte("sleep 60\n:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pid := run(t, cmd)
	t.Cleanup(func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)); len(children) > 0 {
			break // the shell has begun to read it
		}
	}
	if err := os.Remove(script); err != nil {
		t.Fatal(err)
	}
	finds(t, pid, "Process_Deleted_Script", 60)
}

// The scanner leaves itself out, and says so; a process that ends while it is
// read, and names that no program should have, do no harm.
func TestWalk(t *testing.T) {
	led := &scanner.Ledger{}
	seen := 0
	if err := (&Source{}).Walk(t.Context(), led, func(o *scanner.Object) bool {
		if o.Process.PID == os.Getpid() {
			t.Error("the scanner's own process is yielded")
		}
		seen++
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if seen == 0 || led.Counts()[scanner.SkipOwn] != 1 {
		t.Errorf("%d processes, ledger: %s", seen, led)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&Source{}).Walk(ended, led, func(*scanner.Object) bool { t.Error("went on"); return false }); err != nil {
		t.Error(err)
	}
	if err := (&Source{Proc: t.TempDir() + "/none"}).Walk(t.Context(), led, nil); err == nil {
		t.Error("no /proc, and no error")
	}
}

// A made-up /proc, with what a process could write there.
func TestHostileProc(t *testing.T) {
	proc := t.TempDir()
	file := func(name, text string) {
		path := filepath.Join(proc, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file("stat", "cpu 1 2\nbtime 1700000000\n")
	file("7/stat", "7 (a) S 1) (x\n) S 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 250 1 2\n")
	file("7/cmdline", "evil\x1b[2J\x00--\xff\x00\x00")
	file("7/maps", "garbage\n55d0-55d1 rwxp 00000000 00:00 0 \n")
	file("8/stat", "8 (short")
	file("9/status", "no stat at all")
	led := &scanner.Ledger{}
	var got []*scanner.Object
	if err := (&Source{Proc: proc}).Walk(t.Context(), led, func(o *scanner.Object) bool { got = append(got, o); return true }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Process.PID != 7 {
		t.Fatalf("%d objects", len(got))
	}
	s := got[0].Describe(got[0]).(*finding.Process)
	if s.Name != "a) S 1) (x\n" || !strings.Contains(s.Command, "evil") || !s.Created.Equal(time.Unix(1700000002, 500_000_000)) {
		t.Errorf("%+v", s)
	}
	if ruleOf(got[0], "Process_Writable_Code") == nil {
		t.Error("the map is not read")
	}
	if led.Counts()[scanner.SkipUnreadable] != 1 || led.Counts()[scanner.SkipVanished] != 1 {
		t.Errorf("ledger: %s", led)
	}
}

func FuzzTables(f *testing.F) {
	f.Add("  0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n")
	f.Add("x: 00000000000000000000000001000000:1F90 00:0 01 a b c d 12\n")
	f.Fuzz(func(t *testing.T, text string) {
		table := map[uint64]socket{}
		readTable(table, "tcp", text)
		for inode, s := range table {
			if inode == 0 || !s.local.IsValid() {
				t.Errorf("%d: %+v", inode, s)
			}
		}
	})
}
