# shellcheck shell=sh
# slurp.sh SRC LIMIT: one header line on standard output, then at most LIMIT
# bytes of the file (-1: all). The header: WORD PATH REAL UMASK and, of a file,
# MODE UID GID OWNER GROUP SIZE. WORD is file, missing, folder, special or
# unreadable; PATH and REAL (absolute, without symlinks) are hex.

src=$1 limit=$2
hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }
# shellcheck disable=SC2088 # a ~ of the user's own text
case $src in
'~') src=$HOME ;;
'~/'*) src=$HOME/${src#??} ;;
esac
real=$src
case $real in /*) ;; *) real=$PWD/$real ;; esac
# The dot keeps a newline at the end of a name; readlink's own goes.
if to=$(readlink -f "$real" 2>/dev/null && echo .); then
	to=${to%??}
	[ -z "$to" ] || real=$to
fi
answer() { printf '%s %s %s %s %s\n' "$1" "$(hex "$src")" "$(hex "$real")" "$(umask)" "$2"; }
word="file"
if [ -d "$src" ]; then
	word=folder
elif ! [ -e "$src" ]; then
	# What is in a folder that can't be entered isn't missing.
	err=$(LC_ALL=C ls -d -- "$src" 2>&1)
	case $err in
	*'ermission denied') word=unreadable ;;
	*) word=missing ;;
	esac
elif ! [ -f "$src" ]; then
	word=special
elif ! [ -r "$src" ]; then
	word=unreadable
fi
if [ "$word" != file ]; then
	answer "$word"
	exit 0
fi
answer file "$(stat -L -c '%a %u %g %U %G %s' -- "$src" 2>/dev/null)"
if [ "$limit" = -1 ]; then
	cat <"$src"
else
	head -c "$limit" <"$src"
fi
