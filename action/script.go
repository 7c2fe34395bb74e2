package action

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"thordeploy/transport"
)

const (
	// inRequest is the largest script that travels within the request that
	// runs it; a larger one, or one with NUL bytes, goes ahead of it.
	inRequest = 48 << 10
	// maxScript bounds what is read into memory.
	maxScript = 256 << 20
)

func scriptSpec() *Spec {
	return &Spec{
		Name:     "script",
		FreeForm: "cmd",
		RawText:  []string{"creates", "removes", "chdir", "executable"},
		Params: []Param{
			{Name: "cmd", Aliases: []string{"_raw_params"}, Type: String, Required: true, Doc: "a local script and its arguments"},
			{Name: "chdir", Type: Path, Doc: "absolute folder on the host to run in"},
			{Name: "creates", Type: Path, Doc: "a path or glob; where it exists already, the script is not run"},
			{Name: "removes", Type: Path, Doc: "a path or glob; where it doesn't exist, the script is not run"},
			{Name: "executable", Type: String, Doc: "the program to run the script with, and its options"},
		},
		Doc: "Send a local script to the host and run it there.",
		Run: runScript,
	}
}

// runScript is ansible.builtin.script. The script lies on the host in a
// private folder for as long as it runs.
func runScript(ctx context.Context, c *Call) Result {
	if c.Background != nil { // before anything is sent that nobody would remove
		return failed("This action (script) does not support async.", "copy the script and run it with command")
	}
	name, rest, err := firstWord(c.Args.Str("cmd"))
	if err != nil || name == "" {
		return failed(fmt.Sprintf("script needs a local file: %q", c.Args.Str("cmd")), "")
	}
	if dir := c.Args.Str("chdir"); dir != "" && !path.IsAbs(dir) {
		return failed(fmt.Sprintf("chdir of script must be an absolute path: %q", dir), "")
	}
	text, err := readScript(c.Local, name)
	if err != nil {
		return failed("reading the script: "+err.Error(), "relative paths are looked up in files/ and beside the playbook")
	}
	wrapper, err := halves.ReadFile("sh/script.sh")
	if err != nil {
		return failed(err.Error(), "")
	}
	cmd := userCommand(c)
	base := filepath.Base(name)
	dir := ""
	if !c.Check && (len(text) > inRequest || bytes.IndexByte(text, 0) >= 0) {
		if dir, err = putScript(ctx, c, base, text); err != nil {
			return broken(fmt.Errorf("sending the script %s: %w", name, err))
		}
		text = nil
	}
	cmd.Stdin = text
	cmd.Argv = []string{"/bin/sh", "-c", string(wrapper), "script.sh", base, c.Args.Str("executable"), rest, dir}
	r, err := perform(ctx, c, job{Command: cmd, skips: true})
	if err != nil && dir != "" {
		dropScript(ctx, c, dir) // the wrapper, which removes it, may not have run
	}
	switch rc, _ := r.Values["rc"].(int); {
	case err != nil:
	case rc == 126:
		r.Hint = "the script's interpreter can't be run, or the folder for temporary files is mounted noexec: executable: /bin/sh may help"
	case rc == 127:
		r.Hint = "a program was not found: look at the script's first line, or name the interpreter with executable:"
	}
	return r
}

// readScript reads a local script.
func readScript(in Paths, name string) ([]byte, error) {
	at, err := in.find(name, "files")
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(at)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", at)
	case info.Size() > maxScript:
		return nil, fmt.Errorf("%s has %d bytes, more than a script may have: send it with copy", at, info.Size())
	}
	return os.ReadFile(at)
}

// putScript sends a script ahead, into a private folder on the host.
func putScript(ctx context.Context, c *Call, base string, text []byte) (dir string, err error) {
	wrapper, err := halves.ReadFile("sh/script_put.sh")
	if err != nil {
		return "", err
	}
	out, err := stream(ctx, c, text, "/bin/sh", "-c", oneLine(string(wrapper)), "script_put.sh", base, fmt.Sprint(len(text)))
	if err != nil {
		return "", err
	}
	if !path.IsAbs(out) || strings.ContainsAny(out, "\n\x00") {
		return "", fmt.Errorf("the host named no folder: %q", shorten(text8(out)))
	}
	return out, nil
}

// oneLine joins a shell text of simple commands, one a line, since some login
// shells (csh) take no newline within quotes.
func oneLine(text string) string {
	var list []string
	for _, l := range strings.Split(text, "\n") {
		if l != "" && !strings.HasPrefix(l, "#") {
			list = append(list, l)
		}
	}
	return strings.Join(list, "; ")
}

// dropScript removes what putScript made, even when the task was cancelled.
func dropScript(ctx context.Context, c *Call, dir string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	// Where the host is gone there is nobody to remove it.
	_, _ = stream(ctx, c, nil, "rm", "-rf", "--", dir)
}

// stream runs words beside the held shell with input on standard input, and
// returns what they print, at most 4 KiB.
func stream(ctx context.Context, c *Call, input []byte, words ...string) (string, error) {
	p, err := c.Shell.Stream(ctx, transport.Quote(words...))
	if err != nil {
		return "", err
	}
	defer func() { _ = p.Close() }()
	stderr := make(chan string, 1)
	go func() { stderr <- readSome(p.Stderr()) }()
	go func() {
		_, _ = p.Stdin().Write(input) // an exit status says what became of it
		_ = p.Stdin().Close()
	}()
	out := readSome(p.Stdout())
	exit, err := p.Wait()
	said := strings.TrimSpace(text8(<-stderr))
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", err
	case exit.Code != 0:
		return "", fmt.Errorf("exit status %d: %s", exit.Code, said)
	}
	return out, nil
}

// readSome reads r to its end and keeps the first 4 KiB.
func readSome(r io.Reader) string {
	b, _ := io.ReadAll(io.LimitReader(r, 4<<10))
	_, _ = io.Copy(io.Discard, r)
	return string(b)
}
