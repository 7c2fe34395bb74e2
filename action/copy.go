package action

func copySpec() *Spec { return &Spec{Name: "copy"} }
