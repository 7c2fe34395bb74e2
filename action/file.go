package action

func fileSpec() *Spec { return &Spec{Name: "file"} }
