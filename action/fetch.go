package action

func fetchSpec() *Spec { return &Spec{Name: "fetch"} }
