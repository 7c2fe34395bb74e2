package output

// ANSI colours, as Ansible uses them.
const (
	green        = "\x1b[0;32m"
	yellow       = "\x1b[0;33m"
	cyan         = "\x1b[0;36m"
	red          = "\x1b[0;31m"
	brightRed    = "\x1b[1;31m"
	brightPurple = "\x1b[1;35m"
	darkGray     = "\x1b[1;30m"
	plain        = "\x1b[0m"
)

// paint colours text, where colours are wanted.
func (h *Human) paint(color, text string) string {
	if !h.Color || color == "" {
		return text
	}
	return color + text + plain
}
