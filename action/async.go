package action

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"time"

	"thordeploy/transport/shell"
)

// Background asks command, shell and raw to start their command on the host and
// not to wait for it (async with poll: 0).
type Background struct {
	Job   string        // its id, see NewJob
	Limit time.Duration // how long it may take, at least a second; it is ended then
}

// NewJob makes up the id of a job, in the form of Ansible's.
func NewJob() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1e12))
	if err != nil {
		n = big.NewInt(time.Now().UnixNano() % 1e12)
	}
	return fmt.Sprintf("j%012d.%d", n, os.Getpid())
}

// jobID is what a job's id looks like: it names a folder on the host.
var jobID = regexp.MustCompile(`^j[0-9]+\.[0-9]+$`)

// JobStarted is the Result of a task that was started and not waited for.
func JobStarted(id, file string) Result {
	return Result{Changed: true, Values: map[string]any{
		"ansible_job_id": id, "started": 1, "finished": 0, "results_file": file,
	}}
}

// startJob starts a command that outlives the session, held by its own deadline.
func startJob(ctx context.Context, c *Call, j job) Result {
	if j.Creates != "" || j.Removes != "" {
		reply, looked := half(ctx, c, "matches", j.Dir, j.Creates, j.Removes)
		switch {
		case looked.Failed:
			return looked
		case j.Creates != "" && isYes(reply.Values["creates"]):
			return notNeeded(j, true, false, map[string]any{"cmd": j.shown})
		case j.Removes != "" && !isYes(reply.Values["removes"]):
			return notNeeded(j, false, false, map[string]any{"cmd": j.shown})
		}
	}
	shown, err := json.Marshal(j.shown)
	if err != nil {
		return failed(err.Error(), "")
	}
	words := j.Argv
	if j.Shell != "" {
		words = []string{j.Shell, "-c", j.Argv[0]}
	}
	limit := max(1, int((c.Background.Limit+time.Second-1)/time.Second))
	args := []string{c.Background.Job, strconv.Itoa(limit), j.Dir, string(j.Stdin), string(shown), strconv.Itoa(len(j.Env))}
	for _, name := range sortedKeys(j.Env) {
		args = append(args, name+"="+j.Env[name])
	}
	reply, r := half(ctx, c, "async_start", append(args, words...)...)
	if r.Failed {
		return r
	}
	return JobStarted(c.Background.Job, text8(reply.Values["path"]))
}

func asyncStatusSpec() *Spec {
	return &Spec{
		Name: "async_status",
		Params: []Param{
			{Name: "jid", Type: String, Required: true, Doc: "the job's id: `ansible_job_id` of the task that started it"},
			{Name: "mode", Type: String, Default: "status", Choices: []string{"status", "cleanup"}, Doc: "say how it is, or take away what is kept of it"},
		},
		Doc: "See how a task that was started with `async` and `poll: 0` is.",
		Run: runAsyncStatus,
	}
}

// runAsyncStatus is ansible.builtin.async_status.
func runAsyncStatus(ctx context.Context, c *Call) Result {
	id := c.Args.Str("jid")
	values := map[string]any{"ansible_job_id": id, "started": 1, "finished": 1}
	if !jobID.MatchString(id) {
		return Result{Failed: true, Msg: "could not find job", Hint: "jid is the `ansible_job_id` of the task that started it", Values: values}
	}
	reply, r := half(ctx, c, "async_status", id, c.Args.Str("mode"))
	if r.Failed {
		return r
	}
	path := text8(reply.Values["path"])
	values["results_file"] = path
	switch {
	case isYes(reply.Values["missing"]):
		return Result{Failed: true, Msg: "could not find job", Hint: "it is kept for the account that started it, and until it is cleaned up", Values: values}
	case c.Args.Str("mode") == "cleanup":
		return Result{Values: map[string]any{"ansible_job_id": id, "erased": path}}
	}
	return jobEnd(ctx, c, path, reply, values)
}

// jobEnd reads how a job ended, where it has.
func jobEnd(ctx context.Context, c *Call, path string, reply shell.Reply, values map[string]any) Result {
	var cmd any
	if json.Unmarshal([]byte(reply.Values["cmd"]), &cmd) == nil && cmd != nil {
		values["cmd"] = cmd
	}
	rc, err := strconv.Atoi(reply.Values["rc"])
	switch {
	case isYes(reply.Values["gone"]):
		return Result{Failed: true, Msg: "the job is gone and left no result", Hint: "the host was restarted, or somebody ended it", Values: values}
	case err != nil:
		values["finished"] = 0
		return Result{Values: values}
	}
	stdout, stderr := &kept{live: func([]byte) {}}, &kept{live: func([]byte) {}}
	show := shell.Command{Argv: []string{"/bin/sh", "-c", `cat -- "$1/out"; cat -- "$1/err" >&2`, "async", path}}
	if _, err := c.Shell.Command(ctx, show, stdout, stderr); err != nil {
		return broken(err)
	}
	values["rc"] = rc
	strip := Args{map[string]any{"strip_empty_ends": true}}
	addOutput(values, "stdout", stdout, strip)
	addOutput(values, "stderr", stderr, strip)
	begun, _ := strconv.ParseInt(reply.Values["start"], 10, 64)
	ended, _ := strconv.ParseInt(reply.Values["end"], 10, 64)
	addTimes(values, time.Unix(begun, 0), time.Unix(ended, 0))
	r := Result{Changed: true, Values: values}
	switch {
	case isYes(reply.Values["late"]):
		r.Failed, r.Msg, r.Hint = true, "the job did not end within the time that async gives it, and was ended", "raise async"
	case rc != 0:
		r.Failed, r.Msg = true, "non-zero return code"
	}
	return r
}
