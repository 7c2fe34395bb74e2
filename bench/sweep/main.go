// Command sweep measures the seed's playbook against real sshd hosts of the
// lab three ways in one run: ansible-playbook, a shell loop of tar and ssh,
// and thordeploy. It prints ratios, for seconds mean little on another machine.
//
// The pack is 28 MB in 11 files, made for the run; its scanner is a script
// that writes a report, so that what is measured is the deployment.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"thordeploy/internal/lab"
)

const (
	packFiles = 11
	packBytes = 28 << 20
	scanner   = "#!/bin/sh\n[ \"$1\" = -l ] || exit 1\n{ echo report of $(hostname); uname -a; } >\"$2\"\n"
	// The bars that the project set itself.
	loopBar    = 0.75
	ansibleBar = 25.0
	memoryBar  = 100 << 20 // beside the pack
	// lightKex spares ssh the post-quantum key exchange of its defaults, which
	// is dear where OpenSSH was built without fast code for it and which
	// thordeploy's SSH library doesn't offer in that form. Shown beside the
	// defaults, so that it can be seen how much of the difference it makes.
	lightKex = "-oKexAlgorithms=curve25519-sha256"
)

// playbook is the deployment chapter's, indented, with one scanner's name.
const playbook = `---
- hosts: all
  remote_user: root
  become: true
  tasks:
  - name: Create folder for temporary RAM drive
    command: mkdir /mnt/temp_ram creates=/mnt/temp_ram
  - name: Create THOR RAM drive on target
    command: mount -t ramfs -o size=60M ramfs /mnt/temp_ram/
  - name: Copy THOR to RAM drive
    copy: src=../thor-linux-pack/ dest=/mnt/temp_ram/
  - name: Make THOR Executeable
    file: path=/mnt/temp_ram/thor64 state=touch mode="0555"
  - name: Execute THOR
    command: /mnt/temp_ram/thor64 -l /mnt/temp_ram/thor.txt creates=/mnt/temp_ram/thor.html
  - name: Fetch Log file
    fetch: src=/mnt/temp_ram/thor.txt dest=../%s/{{inventory_hostname}}/thor.txt flat=true
  - name: Unmount temporary RAM drive
    %smount:
      path: /mnt/temp_ram
      state: unmounted
  - name: check Mount
    command: mount
  - name: Delete folder for temporary RAM drive
    command: rmdir /mnt/temp_ram/
`

// loop is what one host costs a person with a shell: one connection, one tar
// stream, the same steps. $1 is the host's name, address and port.
const loop = `set -eu
IFS=, read -r name addr port <<X
$1
X
mkdir -p "out-loop/$name"
tar cf - -C thor-linux-pack . | ssh -F none $KEX -i "$KEY" -p "$port" -o BatchMode=yes -o UserKnownHostsFile="$KNOWN" root@"$addr" '
set -e
mkdir /mnt/temp_ram
mount -t ramfs -o size=60M ramfs /mnt/temp_ram
tar xf - -C /mnt/temp_ram
chmod 0555 /mnt/temp_ram/thor64
/mnt/temp_ram/thor64 -l /mnt/temp_ram/thor.txt >/dev/null
cat /mnt/temp_ram/thor.txt
umount /mnt/temp_ram
rmdir /mnt/temp_ram' >"out-loop/$name/thor.txt"
`

func main() {
	lab.Main()
	hosts := flag.Int("hosts", 20, "sshd hosts of the lab")
	few := flag.Int("ansible-hosts", 4, "hosts that ansible-playbook gets; 0 leaves it out")
	rounds := flag.Int("rounds", 5, "rounds of the shell loop and thordeploy; the median counts")
	bin := flag.String("thordeploy", "bin/thordeploy", "the program to measure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *bin, *hosts, *few, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// bench is one run's folder and fleet.
type bench struct {
	dir string
	bin string
	lab *lab.Lab
}

func run(ctx context.Context, bin string, hosts, few, rounds int) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	if _, err := os.Stat(bin); err != nil {
		return fmt.Errorf("%w (make build makes it)", err)
	}
	dir, err := os.MkdirTemp("", "bench-sweep-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := makePack(filepath.Join(dir, "thor-linux-pack")); err != nil {
		return err
	}
	l, err := lab.Start(ctx, lab.Options{N: hosts, Backend: lab.Sshd})
	if err != nil {
		return err
	}
	defer l.Close()
	b := &bench{dir: dir, bin: bin, lab: l}
	if err := b.writeInputs(few); err != nil {
		return err
	}
	return b.measure(ctx, few, rounds)
}

func makePack(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	random := rand.NewChaCha8([32]byte{1})
	for i := range packFiles - 1 {
		data := make([]byte, packBytes/(packFiles-1))
		_, _ = random.Read(data) // never fails
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part%02d.bin", i)), data, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "thor64"), []byte(scanner), 0o755)
}

func (b *bench) writeInputs(few int) error {
	files := map[string]string{
		"main/thor.yml":    fmt.Sprintf(playbook, "out-thordeploy", ""),
		"main/ansible.yml": fmt.Sprintf(playbook, "out-ansible", "ansible.posix."),
		"loop.sh":          loop,
	}
	inventory, err := os.ReadFile(b.lab.Inventory)
	if err != nil {
		return err
	}
	files["few.yml"] = firstHosts(string(inventory), few)
	for name, text := range files {
		path := filepath.Join(b.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// firstHosts cuts the lab's inventory, three lines a host, after n hosts.
func firstHosts(text string, n int) string {
	head, hosts, _ := strings.Cut(text, "  hosts:\n")
	lines := strings.SplitAfter(hosts, "\n")
	return head + "  hosts:\n" + strings.Join(lines[:min(3*n, len(lines))], "")
}

func (b *bench) measure(ctx context.Context, few, rounds int) error {
	n := len(b.lab.Hosts)
	var own, loops, light []time.Duration
	var memory int64
	for range rounds {
		took, rss, err := b.thordeploy(ctx)
		if err != nil {
			return err
		}
		own, memory = append(own, took), max(memory, rss)
		if took, err = b.shellLoop(ctx, ""); err != nil {
			return err
		}
		loops = append(loops, took)
		if took, err = b.shellLoop(ctx, lightKex); err != nil {
			return err
		}
		light = append(light, took)
	}
	mine, shell, lighter := median(own), median(loops), median(light)
	fmt.Printf("%d sshd hosts, pack of %d MB in %d files, medians of %d rounds\n", n, packBytes>>20, packFiles, rounds)
	fmt.Printf("thordeploy -f %d   %7.2f s   %.3f s a host   peak memory %d MB\n", n, mine.Seconds(), mine.Seconds()/float64(n), memory>>20)
	fmt.Printf("shell loop -P %d   %7.2f s   %.3f s a host\n", n, shell.Seconds(), shell.Seconds()/float64(n))
	fmt.Printf("  with %s: %.2f s; thordeploy takes %.2f of it\n", lightKex, lighter.Seconds(), mine.Seconds()/lighter.Seconds())
	ratio := mine.Seconds() / shell.Seconds()
	fmt.Printf("thordeploy / shell loop: %.2f of its time (bar: at most %.2f)\n", ratio, loopBar)
	if few > 0 {
		took, err := b.ansible(ctx, few)
		if err != nil {
			return err
		}
		each := took.Seconds() / float64(few)
		times := each / (mine.Seconds() / float64(n))
		fmt.Printf("ansible-playbook  %7.2f s   %.3f s a host (on %d hosts; %.0f s for %d, extrapolated)\n", took.Seconds(), each, few, each*float64(n), n)
		fmt.Printf("ansible / thordeploy: %.0f times its time a host (bar: at least %.0f)\n", times, ansibleBar)
		if times < ansibleBar {
			return errors.New("slower against ansible-playbook than the bar")
		}
	}
	if memory > memoryBar+packBytes {
		return fmt.Errorf("peak memory of %d MB is over %d MB and the pack", memory>>20, memoryBar>>20)
	}
	if ratio > loopBar {
		return errors.New("slower against the shell loop than the bar")
	}
	return nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// thordeploy runs one sweep and gives its time and peak memory in bytes.
func (b *bench) thordeploy(ctx context.Context) (time.Duration, int64, error) {
	cmd := exec.CommandContext(ctx, b.bin, "-f", fmt.Sprint(len(b.lab.Hosts)), "-i", b.lab.Inventory, "main/thor.yml")
	took, err := b.timed(cmd)
	if err != nil {
		return 0, 0, err
	}
	rss := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	return took, rss, b.reports("out-thordeploy", len(b.lab.Hosts))
}

// shellLoop runs the loop with one more option for ssh, or none.
func (b *bench) shellLoop(ctx context.Context, option string) (time.Duration, error) {
	var hosts bytes.Buffer
	for _, h := range b.lab.Hosts {
		fmt.Fprintf(&hosts, "%s,%s,%d\n", h.Name, h.Addr, h.Port)
	}
	cmd := exec.CommandContext(ctx, "xargs", "-P", fmt.Sprint(len(b.lab.Hosts)), "-n", "1", "sh", "loop.sh")
	cmd.Env = append(os.Environ(), "KEY="+b.lab.Key, "KNOWN="+b.lab.KnownHosts, "KEX="+option)
	cmd.Stdin = &hosts
	took, err := b.timed(cmd)
	if err != nil {
		return 0, err
	}
	return took, b.reports("out-loop", len(b.lab.Hosts))
}

func (b *bench) ansible(ctx context.Context, n int) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, "ansible-playbook", "-f", "20", "-i", "few.yml", "main/ansible.yml")
	cmd.Env = append(os.Environ(), "ANSIBLE_PIPELINING=True", "ANSIBLE_HOME="+filepath.Join(b.dir, "ansible"))
	took, err := b.timed(cmd)
	if err != nil {
		return 0, err
	}
	return took, b.reports("out-ansible", n)
}

func (b *bench) timed(cmd *exec.Cmd) (time.Duration, error) {
	var out bytes.Buffer
	cmd.Dir = b.dir
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out.String())
	}
	return time.Since(begin), nil
}

// reports checks that every host's own report came, and takes them away.
func (b *bench) reports(dir string, n int) error {
	for _, h := range b.lab.Hosts[:n] {
		text, err := os.ReadFile(filepath.Join(b.dir, dir, h.Name, "thor.txt"))
		if err != nil {
			return err
		}
		if want := "report of " + h.Name + "\n"; !strings.HasPrefix(string(text), want) {
			return fmt.Errorf("%s holds another report: %q", filepath.Join(dir, h.Name), text)
		}
	}
	return os.RemoveAll(filepath.Join(b.dir, dir))
}
