package filetype

import "testing"

func TestOf(t *testing.T) {
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	for head, want := range map[string]string{
		"\x7fELF\x02": "ELF", "MZ\x90": "EXE", "PK\x03\x04": "ZIP", "<?php echo": "PHP", "GIF89a": "GIF", "%PDF-1": "PDF",
		"#!/usr/bin/env python3\n": "Python", "#!/bin/bash -e\nperl": "Shell", "#!/usr/bin/perl -w": "Perl", "#!": "UNKNOWN",
		"": "UNKNOWN", "\x7f": "UNKNOWN", "text": "UNKNOWN", string(tar): "TAR", string(tar[:260]): "UNKNOWN",
		"\xfd7zXZ\x00": "XZ", "MDMP": "MDMP", "@echo off": "BATCH",
	} {
		if got := Of([]byte(head)); got != want {
			t.Errorf("Of(%.20q) = %s, want %s", head, got, want)
		}
	}
}
