# mkdir.sh PATH MODE OWNER CHECK: makes a folder, with those above it; one that
# is there is left as it is. MODE (octal or symbolic) and OWNER (OWNER:GROUP),
# or nothing, are for the last one alone. Not a case of file.sh, which is eight
# times as long: this is a sweep's first step.

path=$1 changed=no
no() {
	emit failed 1
	emit_hex msg "$1"
	case $1 in *'ermission denied'* | *'not permitted'*) emit hint 'run the task with become: true, as an account that may' ;; esac
	exit 0
}
# shellcheck disable=SC2088 # a ~ of the user's own text
case $path in
'~') path=$HOME ;;
'~/'*) path=$HOME/${path#??} ;;
esac
case $path in /*) ;; *) path=$PWD/$path ;; esac
while :; do
	case $path in
	?*/) path=${path%/} ;;
	*) break ;;
	esac
done
if ! [ -d "$path" ]; then
	if [ -e "$path" ] || [ -L "$path" ]; then no "$path already exists and is no folder"; fi
	if [ "$4" != yes ]; then
		err=$(mkdir -p ${2:+-m "$2"} -- "$path" 2>&1) || no "$err"
		[ -z "$3" ] || err=$(chown -- "$3" "$path" 2>&1) || no "$err"
	fi
	changed=yes
fi
emit changed "$changed"
emit_hex path "$path"
if [ -d "$path" ]; then
	emit state directory
	emit at "$(stat -c '%a %u %g %U %G %s' -- "$path")"
fi
