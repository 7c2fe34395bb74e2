# shellcheck shell=sh
# get_url_fetch.sh TOOL DIR NAME TEMP ALGORITHM WANTED HAVE MODE OWNER BACKUP CHECK SECONDS WORD…:
# downloads to DIR/TEMP and, where it has the digest WANTED (or nothing) and
# another than HAVE, puts it in place as DIR/NAME. TOOL is curl, wget or busybox;
# WORD…: options for it that are no secret. NAME nothing: prints what comes.
# CHECK yes: only tells the digest of what comes, and writes nothing.
#
# Standard input: how many variables follow, these a line each (NAME=VALUE),
# the address, and the tool's own configuration. They may be secret, hence not
# arguments. It reports in words, one line each.

tool=$1 dir=$2 name=$3 temp=$2/$4 algorithm=$5 wanted=$6 have=$7 mode=$8 owner=$9
shift 9
backup=$1 check=$2 seconds=$3
shift 3
umask 077

no() {
	printf 'failed %s\n' "$1"
	exit 1
}
IFS= read -r count || exit 1
while [ "$count" -gt 0 ]; do
	IFS= read -r v || exit 1
	export "${v?}"
	count=$((count - 1))
done
IFS= read -r url || exit 1
temp=${name:+$temp} rc=
trap 'rm -f -- ${temp:+"$temp"} ${rc:+"$rc"}' EXIT
trap 'exit 1' HUP INT TERM PIPE
fetch() {
	case $tool in
	curl) curl -q -K - "$@" ;;
	wget)
		rc=$(mktemp) && cat >"$rc" && printf '%s\n' "$url" | wget --config="$rc" -nv -T "$seconds" -t 1 "$@" -i - -O -
		;;
	# With -T, builds of busybox crash; without, it gives up after 15 minutes.
	busybox) wget -q "$@" -O - -- "$url" </dev/null ;;
	esac
}
if [ -z "$name" ]; then
	fetch "$@" || exit 1
	exit 0
fi
if [ "$check" = yes ]; then
	sum=$({ { fetch "$@" || echo failed >&3; } | "${algorithm}sum" >&3; } 3>&1)
	case $sum in
	*failed*) no fetch ;;
	'') no algorithm ;;
	esac
	sum=${sum%% *}
	printf 'sum %s\n' "$sum"
	if [ -n "$wanted" ] && [ "$sum" != "$wanted" ]; then no checksum; fi
	if [ "$sum" = "$have" ]; then echo same; fi
	exit 0
fi
# O_EXCL: nobody's symlink is followed.
(set -C && : >"$temp") || no write
fetch "$@" >>"$temp" || no fetch
sum=$("${algorithm}sum" <"$temp") || no algorithm
sum=${sum%% *}
size=$(wc -c <"$temp")
printf 'got %s %s\n' "$sum" "${size##* }"
if [ -n "$wanted" ] && [ "$sum" != "$wanted" ]; then no checksum; fi
if [ "$sum" = "$have" ]; then
	echo same
	exit 0
fi
{
	if [ -n "$owner" ]; then chown -- "$owner" /proc/self/fd/9 || no owner; fi
	chmod -- "$mode" /proc/self/fd/9 || no mode
} 9<>"$temp"
if [ "$backup" = yes ] && [ -f "$dir/$name" ]; then
	saved=$dir/$name.$$.$(date '+%Y-%m-%d@%H:%M:%S')~
	cp -p -- "$dir/$name" "$saved" || no backup
	printf 'backup %s\n' "$(printf %s "$saved" | od -An -v -tx1 | tr -d ' \n')"
fi
if [ -d "$dir/$name" ]; then no isfolder; fi
mv -f -- "$temp" "$dir/$name" || no rename
stat -c 'at %a %u %g %U %G %s' -- "$dir/$name"
exit 0
