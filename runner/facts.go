package runner

import (
	"thordeploy/action"
	"thordeploy/internal/diag"
	"thordeploy/playbook"
)

// factsTask is the setup that a play runs by itself. Its order is -1: before
// any of the play's own.
func (h *hostRun) factsTask() *playbook.Task {
	spec, _ := action.Lookup("setup")
	name, _ := playbook.NewValue("Gathering Facts", diag.Range{})
	return &playbook.Task{Name: name, Spec: spec, Module: "setup", Order: -1, Range: h.play.Range}
}

// factNames are the facts that setup reports, by their ansible_ names. A
// template that uses one of them, where nothing else defines it, makes a play
// that says nothing about gather_facts gather them.
var factNames = map[string]bool{
	"ansible_facts": true, "ansible_architecture": true, "ansible_system": true, "ansible_kernel": true,
	"ansible_distribution": true, "ansible_distribution_version": true, "ansible_distribution_major_version": true,
	"ansible_distribution_release": true, "ansible_os_family": true, "ansible_hostname": true, "ansible_nodename": true, "ansible_fqdn": true,
	"ansible_domain": true, "ansible_machine": true, "ansible_machine_id": true, "ansible_memtotal_mb": true, "ansible_memfree_mb": true,
	"ansible_memory_mb": true, "ansible_processor_count": true, "ansible_processor_vcpus": true, "ansible_processor_nproc": true,
	"ansible_processor_cores": true, "ansible_user_id": true, "ansible_user_uid": true, "ansible_user_gid": true,
	"ansible_user_dir": true, "ansible_user_shell": true, "ansible_effective_user_id": true, "ansible_real_user_id": true,
	"ansible_date_time": true, "ansible_env": true, "ansible_kernel_version": true, "ansible_memavailable_mb": true,
	"ansible_swapfree_mb": true, "ansible_swaptotal_mb": true, "ansible_uptime_seconds": true, "ansible_user_gecos": true,
}

// gatherOnUse gathers facts because a template asks for one, at most once. It
// reports whether there are facts now. A play with `gather_facts: false` gets
// none. Where gathering fails, the task that asked fails for that reason.
func (h *hostRun) gatherOnUse() bool {
	if h.gathered || h.play.GatherFacts != nil {
		return false
	}
	h.gathered = true
	t, f := h.factsTask(), playFrame(h.play)
	started := now()
	o := h.once(t, f.enter(t), f.scope(h))
	if o.Failed || o.Lost != nil {
		o.Msg = "gather facts: " + o.Msg
		h.factsErr = &o
		return false
	}
	h.events <- TaskStarted{Time: started, Play: h.index, Host: h.host.Name, Task: t.Order, Name: h.title(t, f), Module: t.Spec.Name}
	h.report(t, f, o, started)
	return true
}
