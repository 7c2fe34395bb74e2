# matches.sh DIR CREATES REMOVES: does anything match these globs? For check
# mode; where a command really runs, its own request looks.

# hit GLOB: in a subshell, since IFS changes. Globbing without splitting.
hit() (
	p=$1
	# shellcheck disable=SC2088 # a ~ of the user's text
	case $p in '~/'*) p=$HOME/${p#??} ;; esac
	IFS=
	for f in $p; do
		if [ -e "$f" ] || [ -L "$f" ]; then exit 0; fi
	done
	exit 1
)

if [ -n "$1" ] && ! cd "$1" 2>/dev/null; then
	emit failed 1
	emit_hex msg "can't change to folder $1 before running the command"
	emit hint "check chdir: the folder must be there, and the account must be able to enter it"
	exit 0
fi
if [ -n "$2" ] && hit "$2"; then emit creates yes; fi
if [ -n "$3" ] && hit "$3"; then emit removes yes; fi
