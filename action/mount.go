package action

func mountSpec() *Spec { return &Spec{Name: "mount"} }

func mkdirSpec() *Spec { return &Spec{Name: "mkdir"} }

func unmountSpec() *Spec { return &Spec{Name: "unmount"} }
