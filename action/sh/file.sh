# shellcheck shell=sh
# shellcheck disable=SC2154 # N, a newline, is set by the held shell
# file.sh PATH STATE MODE OWNER GROUP SRC FORCE FOLLOW RECURSE ATIME MTIME CHECK DIFF:
# brings one path to a state. DIFF yes: says what it was, too. STATE nothing: what it is already. MODE: octal
# digits or symbolic. ATIME, MTIME: now, preserve or YYYY-MM-DD hh:mm:ss.

path=$1 state=$2 mode=$3 owner=$4 group=$5 src=$6 force=$7 follow=$8 recurse=$9
shift 9
atime=$1 mtime=$2 check=$3 diff=$4
changed=no

no() {
	emit failed 1
	emit changed "$changed"
	emit_hex msg "$1"
	[ -z "$2" ] || emit hint "$2"
	emit_hex path "$path"
	exit 0
}
# try COMMAND…: its complaint becomes the task's.
try() { err=$("$@" 2>&1) || no "$err" "$(hint "$err")"; }
hint() {
	case $1 in
	*'ermission denied'* | *'not permitted'*) printf %s 'run the task with become: true, as an account that may' ;;
	*'ead-only'*) printf %s 'the filesystem is mounted read-only' ;;
	esac
}

# kind_of PATH: sets kind to -, d, f, l or o.
kind_of() {
	if [ -L "$1" ]; then
		kind=l
	elif [ -d "$1" ]; then
		kind=d
	elif [ -f "$1" ]; then
		kind=f
	elif [ -e "$1" ]; then
		kind=o
	else
		kind=-
	fi
}
word_for() {
	case $1 in
	d) printf directory ;;
	f) printf file ;;
	l) printf link ;;
	-) printf absent ;;
	*) printf 'special file' ;;
	esac
}

# attrs PATH: owner first, since chown takes away setuid.
attrs() {
	if [ -L "$1" ]; then at_h=-h; else at_h=; fi
	at_was=$(stat -c '%a %u %g %U %G' -- "$1") || no "can't look at $1"
	# shellcheck disable=SC2086
	at_now() { at_mode=$1 at_uid=$2 at_gid=$3 at_user=$4 at_grp=$5; }
	# shellcheck disable=SC2086 # split on purpose
	at_now $at_was
	if [ -n "$owner" ] && [ "$owner" != "$at_uid" ] && [ "$owner" != "$at_user" ]; then
		[ "$check" = yes ] || try chown $at_h -- "$owner" "$1"
		changed=yes
	fi
	if [ -n "$group" ] && [ "$group" != "$at_gid" ] && [ "$group" != "$at_grp" ]; then
		[ "$check" = yes ] || try chgrp $at_h -- "$group" "$1"
		changed=yes
	fi
	if [ -z "$mode" ] || [ -n "$at_h" ]; then return 0; fi
	case $mode in
	*[!0-7]*)
		if [ "$check" = yes ]; then
			emit symbolic "$at_mode $(if [ -d "$1" ]; then echo d; else echo f; fi)"
			return 0
		fi
		try chmod -- "$mode" "$1"
		[ "$at_mode" = "$(stat -c %a -- "$1")" ] || changed=yes
		;;
	*)
		at_now_mode=$(stat -c %a -- "$1")
		[ "$((0$mode))" -ne "$((0$at_now_mode))" ] || return 0
		# Five digits: GNU chmod would leave a folder's setgid bit otherwise.
		[ "$check" = yes ] || try chmod -- "0$mode" "$1"
		changed=yes
		;;
	esac
}

# make FOLDER: with the folders above it.
make() {
	if [ -d "$1" ]; then return 0; fi
	if [ -e "$1" ] || [ -L "$1" ]; then no "$1 already exists and is no folder"; fi
	case ${1%/*} in
	'' | "$1") ;;
	*) make "${1%/*}" ;;
	esac
	if [ "$check" != yes ]; then
		case $mode in
		'' | *[!0-7]*) err=$(mkdir -- "$1" 2>&1) ;;
		*) err=$(mkdir -m "$mode" -- "$1" 2>&1) ;;
		esac || [ -d "$1" ] || no "$err" "$(hint "$err")"
		attrs "$1"
	fi
	changed=yes
}

# everything: what chmod -R and chown -R may alter, in one word.
everything() { find "$path" ! -type l -exec stat -c '%a %u %g %n' {} + | sha256sum; }

directory() {
	case $kind in
	d) attrs "$path" ;;
	-) make "$path" ;;
	*) no "$path already exists as a $(word_for "$kind")" ;;
	esac
	if [ "$recurse" != yes ] || [ "$check" = yes ] || [ "$kind" = - ]; then return 0; fi
	before=$(everything)
	[ -z "$owner" ] || try chown -R -h -- "$owner" "$path"
	[ -z "$group" ] || try chgrp -R -h -- "$group" "$path"
	case $mode in
	'') ;;
	*[!0-7]*) try chmod -R -- "$mode" "$path" ;;
	*) try chmod -R -- "0$mode" "$path" ;;
	esac
	[ "$before" = "$(everything)" ] || changed=yes
}

# stamp WHICH WHEN FORMAT: -a or -m, and how stat words that time.
stamp() {
	case $2 in
	preserve) return 0 ;;
	now) set -- "$1" ;;
	*)
		[ "$(stat -c "$3" -- "$path" 2>&1)" != "$(date -d "$2" +%s)" ] || return 0
		set -- "$1" -d "$2"
		;;
	esac
	[ "$check" = yes ] || try touch "$@" -- "$path"
	changed=yes
}
touch_it() {
	case $kind in
	-)
		[ "$check" = yes ] || try touch -- "$path"
		changed=yes
		if [ "$check" = yes ]; then return 0; fi
		[ "${atime:-now}" = now ] || stamp -a "$atime" %X
		[ "${mtime:-now}" = now ] || stamp -m "$mtime" %Y
		;;
	l) changed=yes ;;
	*)
		if [ "${atime:-now}${mtime:-now}" = nownow ]; then
			[ "$check" = yes ] || try touch -- "$path"
			changed=yes
		else
			stamp -a "${atime:-now}" %X
			stamp -m "${mtime:-now}" %Y
		fi
		;;
	esac
	attrs "$path"
}

absent() {
	name=${path##*/}
	case $name in
	'' | . | ..) no "refusing to remove $path" 'name the folder itself' ;;
	esac
	[ "$kind" != - ] || return 0
	if [ "$kind" = d ]; then
		parent=${path%/*}
		real=$(cd -P -- "${parent:-/}" 2>/dev/null && pwd -P)
		real=${real%/}/$name
		set -f
		IFS=$N
		# shellcheck disable=SC2013 # a read a byte at a time is slow on a long table
		for line in $(cat /proc/self/mountinfo); do
			IFS=' '
			# shellcheck disable=SC2086 # split on purpose
			set -- $line
			at=$5
			case $at in *\\*)
				at=$(printf '%b.' "$at") # proc(5): blanks as octal
				at=${at%.}
				;;
			esac
			case $at in "$real" | "$real"/*)
				no "$path is not removed: $at is a mount point" "unmount it first, or remove what is in it"
				;;
			esac
		done
		unset IFS
		set +f
	fi
	[ "$check" = yes ] || try rm -rf -- "$path"
	changed=yes
}

link() {
	dir=${path%/*}
	case $src in /*) to=$src ;; *) to=${dir:-/}/$src ;; esac
	if [ -z "$src" ]; then
		[ "$kind" = l ] || no 'src is needed to make a new symlink'
		return 0
	fi
	if [ "$kind" = l ] && [ "$(readlink "$path")" = "$src" ]; then return 0; fi
	[ "$force" = yes ] || [ -e "$to" ] ||
		no "the symlink's target $src does not exist" 'force=yes makes the symlink anyway'
	case $kind in
	l | -) ;;
	d)
		[ "$force" = yes ] || no "refusing to turn the folder $path into a symlink" 'force=yes does it if the folder is empty'
		[ "$check" = yes ] || rmdir -- "$path" 2>/dev/null || no "the folder $path is not empty: it is not turned into a symlink"
		;;
	*) [ "$force" = yes ] || no "refusing to turn the file $path into a symlink" 'force=yes does it' ;;
	esac
	changed=yes
	if [ "$check" = yes ]; then return 0; fi
	[ "$kind" != f ] || try rm -f -- "$path"
	try ln -sfn -- "$src" "$path"
}

hard() {
	[ -n "$src" ] || no 'src is needed to make a hard link'
	[ -e "$src" ] || no "the hard link's source $src does not exist"
	if [ "$kind" = f ] && [ "$(stat -c %d:%i -- "$src")" = "$(stat -c %d:%i -- "$path")" ]; then
		attrs "$path"
		return 0
	fi
	if [ "$kind" = d ]; then no "refusing to turn the folder $path into a hard link"; fi
	if [ "$kind" != - ] && [ "$force" != yes ]; then no "$path exists and is another file" 'force=yes replaces it'; fi
	changed=yes
	if [ "$check" = yes ]; then return 0; fi
	try ln -f -- "$src" "$path"
	attrs "$path"
}

# shellcheck disable=SC2088 # a ~ of the user's own text
case $path in
'~') path=$HOME ;;
'~/'*) path=$HOME/${path#??} ;;
esac
[ -n "$path" ] || no 'the path is empty'
case $path in /*) ;; *) path=$PWD/$path ;; esac
while :; do
	case $path in
	?*/) path=${path%/} ;;
	*) break ;;
	esac
done

kind_of "$path"
case $state in
absent | link) ;;
*)
	if [ "$kind" = l ] && [ "$follow" = yes ] && [ -e "$path" ]; then
		path=$(readlink -f "$path")
		kind_of "$path"
	fi
	;;
esac
if [ -z "$state" ]; then
	case $kind in
	d) state=directory ;;
	l) state="link" ;;
	-) if [ "$recurse" = yes ]; then state=directory; else state="file"; fi ;;
	*) state="file" ;;
	esac
fi
if [ "$diff" = yes ]; then
	emit was "$(word_for "$kind")"
	emit asked "$state"
	[ "$kind" = - ] || emit was_at "$(stat -c '%a %u %g %U %G %s' -- "$path")"
fi
case $state in
directory) directory ;;
touch) touch_it ;;
absent) absent ;;
link)
	link
	kind_of "$path"
	if [ "$kind" = l ]; then
		if [ "$follow" != yes ] || ! [ -e "$path" ]; then
			attrs "$path"
		else
			attrs "$(readlink -f "$path")"
		fi
	fi
	;;
hard) hard ;;
file)
	case $kind in
	f | l) ;;
	*)
		emit state "$(word_for "$kind")"
		no "file ($path) is $(word_for "$kind"), cannot continue" 'state=touch makes a file, state=directory a folder'
		;;
	esac
	attrs "$path"
	;;
esac

emit changed "$changed"
emit_hex path "$path"
kind_of "$path"
emit state "$(word_for "$kind")"
[ "$kind" = - ] || emit at "$(stat -c '%a %u %g %U %G %s' -- "$path")"
exit 0
