# tempfile.sh DIR NAME STATE(file|directory): makes DIR/NAME, which must not be
# there yet, for this account alone. DIR nothing: TMPDIR, or /tmp.

dir=$1 name=$2 state=$3
# shellcheck disable=SC2088 # a ~ of the user's own text
case $dir in
'') dir=${TMPDIR:-/tmp} ;;
'~') dir=$HOME ;;
'~/'*) dir=$HOME/${dir#??} ;;
esac
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
while :; do
	case $dir in
	?*/) dir=${dir%/} ;;
	*) break ;;
	esac
done
no() {
	emit failed 1
	emit_hex msg "$1"
	emit hint "$2"
	exit 0
}
[ -d "$dir" ] || no "the folder $dir is not there to make a temporary $state in" 'make it first, or name another in path'
path=${dir%/}/$name
umask 077
# A folder's default ACL would have its way with the umask: hence the chmod.
# With -C the file is opened with O_EXCL, which follows nobody's symlink.
if [ "$state" = directory ]; then
	err=$(mkdir -- "$path" 2>&1 && chmod u=rwx,go= -- "$path" 2>&1)
else
	err=$( (set -C && : >"$path") 2>&1 && chmod u=rw,go= -- "$path" 2>&1)
fi || no "making $path: ${err##*: }" 'name a folder in path that the account may write to'
emit changed yes
emit state "$state"
emit_hex path "$path"
emit at "$(stat -c '%a %u %g %U %G %s' -- "$path")"
