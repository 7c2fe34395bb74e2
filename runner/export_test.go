package runner

// FactName reports whether a template that uses name has facts gathered.
func FactName(name string) bool { return factNames[name] }
