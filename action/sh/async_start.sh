# async_start.sh JID SECONDS DIR STDIN CMD N [NAME=VALUE]... WORD...: starts a
# command (WORD...) that goes on by itself, in its own session where there is
# setsid, and is ended after SECONDS. N are the variables of its environment, CMD
# how async_status is to show it. What comes of it is kept in ~/.ansible_async/JID.

jid=$1 limit=$2 dir=$3 input=$4 cmd=$5 n=$6
shift 6
no() {
	emit failed 1
	emit_hex msg "$1"
	emit hint "$2"
	exit 0
}
# shellcheck disable=SC2088 # a ~ of the user's own text
case $dir in '~') dir=$HOME ;; '~/'*) dir=$HOME/${dir#??} ;; esac
job=$HOME/.ansible_async/$jid
mask=$(umask)
umask 077
err=$(mkdir -p -- "$HOME/.ansible_async" 2>&1 && mkdir -- "$job" 2>&1) || no "keeping the job in $job: ${err##*: }" "the account needs a home folder that it may write to"
if ! { printf '%s' "$input" >"$job/in" && printf '%s' "$cmd" >"$job/cmd" && : >"$job/out" && : >"$job/err"; }; then
	no "$job can't be written to" "look whether the disk is full"
fi
umask "$mask"
if [ -n "$dir" ] && ! cd -- "$dir" 2>/dev/null; then
	rm -rf -- "$job"
	no "can't change to folder $dir before running the command" "check chdir: the folder must be there, and the account must be able to enter it"
fi

# What stays on the host. It ends the command in its time: its whole group where
# that is its own.
# shellcheck disable=SC2016 # expanded there
keeper='
job=$1 limit=$2 alone=$3
shift 3
trap : TERM HUP INT
echo "$$" >"$job/pid"
start=$(date +%s)
"$@" <"$job/in" >"$job/out" 2>"$job/err" &
p=$!
(
	i=0
	while [ "$i" -lt "$limit" ] && kill -0 "$p" 2>/dev/null; do
		sleep 1
		i=$((i + 1))
	done
	kill -0 "$p" 2>/dev/null || exit 0
	: >"$job/late"
	if [ "$alone" = yes ]; then kill -TERM 0; else kill -TERM "$p"; fi
	sleep 2
	kill -KILL "$p" 2>/dev/null
) &
while :; do
	wait "$p"
	rc=$?
	kill -0 "$p" 2>/dev/null || break
done
echo "$rc $start $(date +%s)" >"$job/rc.new" && mv -f -- "$job/rc.new" "$job/rc"
if [ "$alone" = yes ] && [ -e "$job/late" ]; then kill -KILL 0; fi
'
(
	while [ "$n" -gt 0 ]; do
		export "${1?}"
		shift
		n=$((n - 1))
	done
	if command -v setsid >/dev/null 2>&1; then
		exec setsid /bin/sh -c "$keeper" async "$job" "$limit" yes "$@"
	fi
	exec /bin/sh -c "$keeper" async "$job" "$limit" no "$@"
) </dev/null >/dev/null 2>&1 &
emit changed yes
emit_hex path "$job"
