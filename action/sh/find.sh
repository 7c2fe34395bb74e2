# shellcheck shell=sh
# find.sh FOLLOW DEPTH EXAMINED CONTAINS CHECKSUM ROOTS ROOT… TEST…: one record
# for each entry beneath the ROOTS (so many there are), down to DEPTH levels, for
# which find(1)'s TEST… hold and, where CONTAINS is something, in which grep -E
# finds it. EXAMINED: down to which level entries are counted. FOLLOW: -H or -L.
#
# A record begins with // at the beginning of a line: a file's, or a word's (=).

follow=$1 depth=$2 counted=$3 contains=$4 checksum=$5 roots=$6
shift 6
form='//%f:%s:%u:%g:%U:%G:%X:%Y:%Z:%i:%d:%h:%n'

# away ROOT: GNU find gives up where it can't come back to the folder that it
# was started in, which after become may be another account's home.
away() { case $1 in /*) cd / ;; esac }
# look ROOT TEST…: what is found, on standard output.
look() {
	root=$1
	shift
	away "$root"
	if [ -n "$contains" ]; then
		# LC_ALL: a line is bytes, whatever the file holds.
		set -- "$@" -exec grep -q -E -e "$contains" '{}' ';'
	fi
	# shellcheck disable=SC2016 # for the inner shell
	if [ "$checksum" = yes ]; then
		set -- "$@" -exec sh -c 'form=$1;shift;for f;do stat -c "$form" "$f";if [ -f "$f" ]&&! [ -L "$f" ]&&s=$(sha1sum <"$f");then echo "//=sum ${s%% *}";fi;done' find "$form" '{}' +
	else
		set -- "$@" -exec stat -c "$form" '{}' +
	fi
	[ -z "$depth" ] || set -- -maxdepth "$depth" "$@"
	LC_ALL=C find "$follow" "$root" -mindepth 1 "$@"
}
# count ROOT: how many entries are there to look at, names with newlines too.
count() {
	away "$1"
	if [ -n "$counted" ]; then
		find "$follow" "$1" -mindepth 1 -maxdepth "$counted" -print0
	else
		find "$follow" "$1" -mindepth 1 -print0
	fi 2>/dev/null | tr -dc '\000' | wc -c
}

printf '//=now %s\n' "$(date +%s)"
i=0
while [ "$i" -lt "$roots" ]; do
	i=$((i + 1))
	named=$1
	shift
	root=$named
	# shellcheck disable=SC2088 # a ~ of the user's own text
	case $root in
	'~') root=${HOME%/} ;;
	'~/'*) root=${HOME%/}/${root#??} ;;
	esac
	case $root in
	/*) ;;
	'') root=/ ;;
	*) root=./$root ;;
	esac
	printf '//=root %s\n' "$i"
	if ! [ -d "$root" ]; then
		printf "//=skip '%s' is not a directory\n" "$named"
	else
		left=$((roots - i))
		# The roots that are left stand before the tests.
		all=$#
		n=0
		rest=
		while [ "$n" -lt "$((all - left))" ]; do
			n=$((n + 1))
			rest="$rest \"\${$((left + n))}\""
		done
		{ err=$(eval "look \"\$root\" $rest" 2>&1 >&3 3>&- | sed -n 1,3p); } 3>&1
		printf '//=examined %s\n' "$(count "$root")"
		if [ -n "$err" ]; then printf '//=skip %s\n' "$err"; fi
	fi
done
printf '//=end\n'
