# script_put.sh NAME SIZE: takes a script of SIZE bytes on standard input into a
# private folder and prints the folder. Run as a stream of its own, for scripts
# that are too large for a request; has no emit.

d=
trap 'rm -rf "$d"' EXIT
trap 'exit 129' HUP
trap 'exit 143' TERM
umask 077
d=$(mktemp -d "${TMPDIR:-/tmp}/thordeploy.XXXXXXXX") || exit 125
cat >"$d/$1" || exit 125
# A controller that went away looks like the end of the file.
[ "$(wc -c <"$d/$1")" -eq "$2" ] || exit 125
printf %s "$d" || exit 125
trap - EXIT
