# shellcheck shell=sh
# copy_receive.sh DIR NAME TEMP SIZE MODE OWNER DIRMODE OLD [WORD]…: writes its
# standard input, after a line that names the program to undo its compression
# (cat: none), to DIR/NAME. It stands there under another name (TEMP) until
# it is whole, has its MODE and OWNER (OWNER:GROUP or nothing) and was accepted
# by the command WORD… (%s: the file). DIRMODE: makes DIR where it is missing.
# OLD: the cksum that DIR/NAME must still have, or nothing.
#
# It runs on a stream of its own and reports in words, one line each.

dir=$1 name=$2 temp=$1/$3 size=$4 mode=$5 owner=$6 dirmode=$7 old=$8
shift 8
umask 077

no() {
	printf 'failed %s\n' "$1"
	exit 1
}
# make FOLDER: with those above it, all with DIRMODE and OWNER.
make() {
	if [ -d "$1/" ]; then return 0; fi
	make "${1%/*}" && mkdir -m "$dirmode" -- "$1" && { [ -z "$owner" ] || chown -- "$owner" "$1"; }
}
if [ -n "$dirmode" ]; then make "$dir" || no folder; fi
# O_EXCL: nobody's symlink is followed. Owner and mode are set through the
# descriptor, for the folder may be one that others write to.
set -C
IFS= read -r unpack || no short
trap 'rm -f -- "$temp"' EXIT
trap 'exit 1' HUP INT TERM PIPE
{
	if [ "$unpack" = cat ]; then cat >&9 || no write; else "$unpack" -dc >&9 || no short; fi
	file=/proc/self/fd/9
	[ "$(wc -c <$file)" -eq "$size" ] || no short
	if [ -n "$owner" ]; then chown -- "$owner" $file || no owner; fi
	chmod -- "$mode" $file || no mode
} 9>"$temp" || no write
if [ $# -gt 0 ]; then
	left=$#
	while [ "$left" -gt 0 ]; do
		word=$1
		shift
		left=$((left - 1))
		case $word in *%s*) word=${word%%%s*}$temp${word#*%s} ;; esac
		set -- "$@" "$word"
	done
	"$@" </dev/null >&2 || no validate
fi
if [ -n "$old" ] && [ "$(cksum <"$dir/$name")" != "$old" ]; then no changed; fi
if [ -d "$dir/$name" ] && ! [ -L "$dir/$name" ]; then no isfolder; fi
# A symlink to a folder would take the file into that folder.
if [ -L "$dir/$name" ] && [ -d "$dir/$name" ]; then rm -f -- "$dir/$name" || no write; fi
mv -f -- "$temp" "$dir/$name" || no rename
trap - EXIT
stat -c 'at %a %u %g %U %G %s' -- "$dir/$name"
exit 0
