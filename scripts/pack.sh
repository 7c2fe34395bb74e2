#!/bin/sh
# pack.sh VERSION ARCH...: makes dist/pack/linux-ARCH, the folder that goes to
# a target of that architecture: the scanner, its compiled rules, and places
# for the user's own rules and indicators, whose contents are kept.
set -eu

version=$1
shift

umask 022
host=$(go env GOHOSTARCH)
packer=bin/thorscan-packer
other=bin/thorscan-other
trap 'rm -f "$packer" "$other"' EXIT
scripts/thorscan.sh "$version" "$host" "$packer" # compiles the rules, once for all

# note FILE: writes standard input to FILE unless it is there already.
note() {
	if [ -e "$1" ]; then
		cat >/dev/null
	else
		cat >"$1"
	fi
}

for arch; do
	dir=dist/pack/linux-$arch
	scanner=$packer
	if [ "$arch" != "$host" ]; then
		scanner=$other
		code=0
		scripts/thorscan.sh "$version" "$arch" "$scanner" || code=$?
		if [ "$code" = 3 ]; then
			echo "left out: the pack for linux/$arch" >&2
			rm -f "$dir/thorscan" # an older one isn't to be taken for this version
			continue
		elif [ "$code" != 0 ]; then
			exit "$code"
		fi
	fi
	mkdir -p "$dir/signatures" "$dir/custom-signatures/yara" "$dir/custom-signatures/iocs"
	cp -f "$scanner" "$dir/thorscan" # -f: it may be running
	"./$packer" signatures pack --out "$dir/signatures/thor.yac" signatures/yara
	note "$dir/custom-signatures/yara/README" <<'END'
Your own YARA rules: every *.yar and *.yara file in this folder is compiled when
a scan starts, in addition to the rules in signatures/. A file that doesn't
compile is named in the log, and the scan counts as incomplete.

A rule's meta values `score` (0 to 100), `description`, `author` and `reference`
are shown in its findings.
END
	note "$dir/custom-signatures/iocs/README" <<'END'
Your own indicators of compromise: every *.txt file in this folder is read when a
scan starts. What a list holds is told by a word in its name: filename, hash or
trusted-hash, c2, keyword. A line is REGEX;SCORE for file names, HASH;COMMENT for
hashes. A line that can't be read is named in the log, and the scan counts as
incomplete.
END
	echo "$dir"
done
