package action

import "fmt"

// Filesystem types as statfs(2) numbers them.
const (
	ramfsMagic = "858458f6"
	tmpfsMagic = "1021994"
)

// room says why n more bytes don't fit where a copy goes, or nil. A ramfs has
// no size of its own (the kernel ignores size=), so what counts there is the
// host's free memory, and the size that the play asked for.
func (cp *copying) room(p *probe, n int64) error {
	if n <= 0 {
		return nil
	}
	if p.fsType == ramfsMagic || p.fsType == tmpfsMagic {
		if cp.ram != "" && cp.ramSize > 0 && n > cp.ramSize-p.used {
			text := fmt.Sprintf("the RAM drive %s is too small: %s are to be copied, it has %s", cp.ram, bytesText(n), bytesText(cp.ramSize))
			if p.used > 0 {
				text += fmt.Sprintf(", of which %s are in use", bytesText(p.used))
			}
			return &typeError{text: text + "; nothing was sent", hint: "raise size= of the mount, or copy less"}
		}
		if p.available >= 0 && n > p.available {
			return &typeError{
				text: fmt.Sprintf("the host has too little memory: %s are to be copied to %s, %s are available; nothing was sent", bytesText(n), text8(p.base), bytesText(p.available)),
				hint: "copy less, or to a disk",
			}
		}
	}
	if p.fsType != ramfsMagic && p.free >= 0 && n > p.free {
		return &typeError{
			text: fmt.Sprintf("too little space at %s: %s are to be copied, %s are free; nothing was sent", text8(p.base), bytesText(n), bytesText(p.free)),
			hint: "make room on the host, or copy to another filesystem",
		}
	}
	return nil
}

// bytesText is n with a unit: "512 bytes", "28.0 MiB".
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d bytes", n)
	}
	f, at := float64(n), -1
	for f >= unit && at < 3 {
		f /= unit
		at++
	}
	return fmt.Sprintf("%.1f %s", f, [...]string{"KiB", "MiB", "GiB", "TiB"}[at])
}
