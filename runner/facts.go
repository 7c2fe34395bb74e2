package runner

import (
	"thordeploy/action"
	"thordeploy/playbook"
)

// factsTask is the setup that a play runs by itself. Its order is -1: before
// any of the play's own.
func (h *hostRun) factsTask() *playbook.Task { return h.plan.facts }

func newFactsTask(p *playbook.Play) *playbook.Task {
	spec, _ := action.Lookup("setup")
	args := map[string]*playbook.Value{}
	for name, v := range map[string]*playbook.Value{"gather_subset": p.GatherSubset, "gather_timeout": p.GatherTime, "fact_path": p.FactPath} {
		if _, known := spec.Param(name); known && v != nil {
			args[name] = v
		}
	}
	return &playbook.Task{Name: playbook.Literal("Gathering Facts"), Spec: spec, Module: "setup", Args: args, When: p.When, Order: -1, Range: p.Range}
}

// gathersAtStart reports whether the play gathers facts before its tasks.
func (h *hostRun) gathersAtStart() bool {
	return h.play.GatherFacts != nil && *h.play.GatherFacts && h.gathers()
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
	"ansible_swapfree_mb": true, "ansible_swaptotal_mb": true, "ansible_uptime_seconds": true, "ansible_user_gecos": true, "ansible_local": true,
	"ansible_pkg_mgr": true, "ansible_service_mgr": true, "ansible_interfaces": true,
}

// gatherOnUse gathers facts because a template asks for one, at most once. It
// reports whether there are facts now. A play with `gather_facts: false` gets
// none. Where gathering fails, the task that asked fails for that reason.
func (h *hostRun) gatherOnUse() bool {
	if h.gathered || h.play.GatherFacts != nil {
		return false
	}
	h.gathered = true
	t := h.factsTask()
	in := inside{f: h.frame(h.base, t)}
	started := now()
	o := h.once(t, in, h.scope(in.f, nil))
	if o.Failed || o.Lost != nil {
		o.Msg = "gather facts: " + o.Msg
		h.factsErr = &o
		return false
	}
	h.events <- h.starts(t, in, started)
	h.events <- h.finished(t, in, h.scope(in.f, nil), o, OK, started)
	return true
}
