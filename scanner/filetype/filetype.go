// Package filetype names a file's type by its content, in the words that YARA
// rules of the field compare their external variable filetype with: "ELF",
// "EXE", "ZIP", "PHP", "BATCH".
package filetype

import "bytes"

// magic is a sequence of bytes at a place in the file.
type magic struct {
	offset int
	bytes  string
	name   string
}

// table is looked through in order; the first that fits wins.
var table = []magic{
	{0, "\x7fELF", "ELF"},
	{0, "MZ", "EXE"},
	{0, "\xfe\xed\xfa\xce", "MACH-O"},
	{0, "\xfe\xed\xfa\xcf", "MACH-O"},
	{0, "\xce\xfa\xed\xfe", "MACH-O"},
	{0, "\xcf\xfa\xed\xfe", "MACH-O"},
	{0, "\xca\xfe\xba\xbe", "CLASS"},
	{0, "PK\x03\x04", "ZIP"},
	{0, "Rar!\x1a\x07", "RAR"},
	{0, "7z\xbc\xaf\x27\x1c", "7ZIP"},
	{0, "\x1f\x8b", "GZIP"},
	{0, "BZh", "BZIP2"},
	{0, "\xfd7zXZ\x00", "XZ"},
	{0, "\x28\xb5\x2f\xfd", "ZSTD"},
	{257, "ustar", "TAR"},
	{0, "%PDF", "PDF"},
	{0, "{\\rt", "RTF"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE"},
	{0, "GIF8", "GIF"},
	{0, "\xff\xd8\xff", "JPEG"},
	{0, "\x89PNG\r\n\x1a\n", "PNG"},
	{0, "BM", "BMP"},
	{0, "MDMP", "MDMP"},
	{0, "SQLite format 3\x00", "SQLITE"},
	{0, "regf", "REGISTRY"},
	{0, "!<arch>\n", "AR"},
	{0, "<?php", "PHP"},
	{0, "<%@", "JSP"},
	{0, "<?xml", "XML"},
	{0, "@echo off", "BATCH"},
}

// interpreters names scripts by what runs them: the word is looked for in the
// first line of a file that begins with "#!".
var interpreters = []struct{ word, name string }{
	{"python", "Python"}, {"perl", "Perl"}, {"php", "PHP"}, {"ruby", "Ruby"}, {"node", "JavaScript"},
	{"sh", "Shell"},
}

// Of returns the type of the file that begins with head, "UNKNOWN" for one that
// is not in the table.
func Of(head []byte) string {
	if bytes.HasPrefix(head, []byte("#!")) {
		line, _, _ := bytes.Cut(head[:min(len(head), 128)], []byte("\n"))
		for _, i := range interpreters {
			if bytes.Contains(line, []byte(i.word)) {
				return i.name
			}
		}
	}
	for _, m := range table {
		if len(head) >= m.offset+len(m.bytes) && string(head[m.offset:m.offset+len(m.bytes)]) == m.bytes {
			return m.name
		}
	}
	return "UNKNOWN"
}
