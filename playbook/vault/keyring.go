package vault

// Keyring opens what a run's playbooks, variables and inventories hold
// encrypted. A nil Keyring has no passwords: whatever it is to open is an error
// that says how to give one. It is safe for concurrent use if Hide is.
type Keyring struct {
	Passwords []Secret
	// Hide is told the plain texts that must not be shown or logged; nil: nobody
	// wants to know.
	Hide func(plain ...string)
}

// Open gives the plain text of a whole file. Its values are the caller's to
// hand to Conceal, once it knows them. The error is an [*Error].
func (k *Keyring) Open(text []byte) ([]byte, error) {
	if k == nil {
		return Decrypt(text)
	}
	return Decrypt(text, k.Passwords...)
}

// Value gives the plain text of a single value (`!vault`), and has it hidden.
// The error is an [*Error].
func (k *Keyring) Value(text string) (string, error) {
	plain, err := k.Open([]byte(text))
	if err != nil {
		return "", err
	}
	k.Conceal(string(plain))
	return string(plain), nil
}

// Conceal has every text in x hidden: x is a text, or a list or mapping of what
// a file held. Numbers and booleans tell too little to be kept out of sight.
func (k *Keyring) Conceal(x any) {
	if k != nil && k.Hide != nil {
		k.Hide(texts(x, nil)...)
	}
}

func texts(x any, found []string) []string {
	switch x := x.(type) {
	case string:
		return append(found, x)
	case []any:
		for _, item := range x {
			found = texts(item, found)
		}
	case map[string]any:
		for _, item := range x {
			found = texts(item, found)
		}
	}
	return found
}
