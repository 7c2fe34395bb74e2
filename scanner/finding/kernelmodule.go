package finding

// KernelModule is the subject of a finding about a module of the Linux kernel.
type KernelModule struct {
	Type          string `json:"type"` // "Linux kernel module"
	Name          string `json:"name"`
	InProcModules bool   `json:"in_proc_modules"`
	InSysModule   bool   `json:"in_sys_module"`
}

// SubjectType returns "Linux kernel module".
func (k *KernelModule) SubjectType() string { return k.Type }

// SubjectName returns the module's name.
func (k *KernelModule) SubjectName() string { return k.Name }
