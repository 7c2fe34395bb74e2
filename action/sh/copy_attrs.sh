# shellcheck shell=sh
# copy_attrs.sh OP VALUE COUNT PATH… …: with OP mode, owner, backup, remove, discard,
# folder or link
# sets the mode or the owner (OWNER:GROUP) of paths, keeps a copy of each
# beside it, removes each (discard: with what is in it), makes folders with the
# mode VALUE, or a symlink to VALUE.

backup() {
	for f; do
		saved=$f.$$.$(date '+%Y-%m-%d@%H:%M:%S')~
		cp -p -- "$f" "$saved" || return 1
		emit_hex backup "$saved" >&5
	done
}
# shellcheck disable=SC2016,SC2034 # for eval
# shellcheck disable=SC2154 # N, a newline, is set by the held shell
while [ $# -gt 0 ]; do
	op=$1 value=$2 count=$3
	shift 3
	# One program for all of them.
	paths='' i=0
	while [ "$i" -lt "$count" ]; do
		i=$((i + 1))
		paths="$paths \"\${$i}\""
	done
	case $op in
	mode) run='chmod -- "$value"' ;;
	owner) run='chown -h -- "$value"' ;;
	remove) run='rm -f --' ;;
	discard) run='rm -rf --' ;;
	folder) run='mkdir -m "$value" --' ;;
	link) run='ln -s -- "$value"' ;;
	backup) run=backup ;;
	esac
	{ err=$(eval "$run $paths" 2>&1); } 5>&1 || {
		emit failed 1
		emit_hex msg "$op: ${err%%"$N"*}"
		exit 0
	}
	shift "$count"
done
