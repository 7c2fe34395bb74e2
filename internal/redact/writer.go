package redact

import (
	"io"
	"sync"
)

// Writer masks the secrets in a stream, also one that is split across writes.
// Only the bytes that may be the begin of a secret are held back, until the
// next write or Close. Create it with [Redactor.Writer].
type Writer struct {
	r  *Redactor
	mu sync.Mutex
	w  io.Writer
	// held is what may be the begin of a secret, shorter than the longest.
	held []byte
}

// Writer is a stream to w with the secrets of r masked. Call Close at its end;
// it doesn't close w.
func (r *Redactor) Writer(w io.Writer) *Writer { return &Writer{r: r, w: w} }

// Write masks p and passes it on. It reports len(p) on success, whatever the
// masked length.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.r.forms.Load()
	if f == nil && len(w.held) == 0 {
		return w.w.Write(p)
	}
	if err := w.pass(f, p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *Writer) pass(f *forms, p []byte, final bool) error {
	text := append(w.held, p...)
	out, rest := f.mask(make([]byte, 0, len(text)), text, final)
	w.held = append([]byte(nil), rest...)
	if len(out) == 0 {
		return nil
	}
	_, err := w.w.Write(out)
	return err
}

// Close passes on what was held back.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.held) == 0 {
		return nil
	}
	return w.pass(w.r.forms.Load(), nil, true)
}
