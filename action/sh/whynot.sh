# whynot.sh DIR WORDS NAME=VALUE…: why the program that WORDS begin with, as
# shell text, could not be started in that environment. Reports nothing where
# it could.

if [ -n "$1" ] && ! cd "$1" 2>/dev/null; then exit 0; fi
words=$2
shift 2
for v in "$@"; do export "${v?}"; done
eval "set -- $words"
why() {
	emit reason "$1"
	emit_hex path "$2"
	exit 0
}
case $1 in
*/*) ;;
*)
	command -v "$1" >/dev/null 2>&1 || why missing "$1"
	exit 0
	;;
esac
if [ -d "$1" ]; then why folder "$1"; fi
[ -e "$1" ] || why missing "$1"
[ -x "$1" ] || why noexec "$1"
# The program is there, so what it needs may not be.
l=
{ IFS= read -r l <"$1"; } 2>/dev/null
case $l in
'#!'*)
	# shellcheck disable=SC2086 # split on purpose; set -f: no globbing
	set -f -- ${l#??}
	if [ -n "$1" ] && ! [ -e "$1" ]; then why interpreter "$1"; fi
	;;
?ELF*) emit elf yes ;;
esac
