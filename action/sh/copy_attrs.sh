# shellcheck shell=sh
# copy_attrs.sh {mode VALUE | owner VALUE | backup - | remove -} COUNT PATH… …:
# sets the mode or the owner (OWNER:GROUP) of paths, keeps a copy of each
# beside it, or removes each.

while [ $# -gt 0 ]; do
	op=$1 value=$2 count=$3
	shift 3
	while [ "$count" -gt 0 ]; do
		case $op in
		mode) err=$(chmod -- "$value" "$1" 2>&1) ;;
		owner) err=$(chown -h -- "$value" "$1" 2>&1) ;;
		remove) err=$(rm -f -- "$1" 2>&1) ;;
		backup)
			saved=$1.$$.$(date '+%Y-%m-%d@%H:%M:%S')~
			err=$(cp -p -- "$1" "$saved" 2>&1) && emit_hex backup "$saved"
			;;
		esac || {
			emit failed 1
			emit_hex msg "$1: $op: $err"
			exit 0
		}
		shift
		count=$((count - 1))
	done
done
