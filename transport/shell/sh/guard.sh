# shellcheck shell=sh
# guard.sh: reads requests from the channel, one a line, and answers for the
# host being left clean. Set before it: Z (nonce), L (lease, seconds), B (1
# where another account was become), N (a newline). Descriptor 3 is the
# channel's standard output; the guard's own is the pipe to the loop.
#
#   T TEXT            a task for the loop
#   H                 heartbeat: the lease starts anew
#   W PATH ESCAPED    watch PATH (ESCAPED as mountinfo writes it) from now on
#   K                 end the running task's processes, then answer `ended`
#   Q clean|leave     goodbye
#
# End of file, a lapsed lease, TERM: as `Q clean`.

say() { printf '\n%s %s\n' "$Z" "$*" >&3; }

# pid_of_self and session: /proc/self is the process that reads it, so a
# builtin read tells a subshell's own id, which $$ does not.
identify() {
	read -r st </proc/self/stat
	G=${st%% *}
	rest=${st##*) }
	# shellcheck disable=SC2086 # split on purpose
	set -- $rest
	S=$4
	A=" $$ $G "
	# The session must be this channel's own, or ending it would end somebody
	# else's processes: its leader is this program's first shell, or, where
	# another account was become, the program that did it.
	p=$$
	n=0
	while [ "$p" != "$S" ]; do
		if [ "$B" != 1 ] || [ "$n" -ge 4 ]; then
			S=
			return
		fi
		if ! { read -r st </proc/"$p"/stat; } 2>/dev/null; then
			S=
			return
		fi
		rest=${st##*) }
		# shellcheck disable=SC2086
		set -- $rest
		p=$2
		A="$A$p "
		n=$((n + 1))
	done
}

# members SIGNAL all|task: signals the session's processes (SIGNAL 0: only
# counts) and sets `left` to their number. Never the guard, its ancestors or
# its watchdog; with `task` not the loop either.
members() {
	left=0
	[ -n "$S" ] || return 0
	for d in /proc/[0-9]*; do
		{ IFS= read -r st <"$d"/stat; } 2>/dev/null || continue
		pid=${d#/proc/}
		rest=${st##*) }
		sig=$1 what=$2
		# shellcheck disable=SC2086
		set -- $rest
		state=$1 parent=$2 sid=$4
		set -- "$sig" "$what"
		if [ "$sid" != "$S" ] || [ "$state" = Z ]; then continue; fi
		case "$A$w " in *" $pid "* | *" $parent "*)
			# The guard, its ancestors, its watchdog, and their children: only
			# the loop, a child of the first shell, ever counts.
			if [ "$what" = task ] || [ "$parent" != $$ ] || [ "$pid" = "$G" ]; then continue; fi
			;;
		esac
		left=$((left + 1))
		[ "$sig" = 0 ] || kill -s "$sig" "$pid" 2>/dev/null
	done
	return 0
}

nap() { sleep 0.1 2>/dev/null || sleep 1; }

# end_session all|task: TERM, up to two seconds, KILL.
end_session() {
	members TERM "$1"
	i=0
	while [ "$left" -gt 0 ] && [ "$i" -lt 20 ]; do
		nap
		members 0 "$1"
		i=$((i + 1))
	done
	i=0
	while [ "$left" -gt 0 ] && [ "$i" -lt 10 ]; do
		members KILL "$1"
		nap
		members 0 "$1"
		i=$((i + 1))
	done
	[ "$left" -eq 0 ] || say left processes "$left"
}

# unwatch and watch: one watchdog sleeps for a lease and is replaced at each
# heartbeat. It holds none of the channel's descriptors, or the channel could
# not close before it ends.
unwatch() {
	[ -z "$w" ] || kill "$w" 2>/dev/null
	w=
}
beat() {
	unwatch
	(
		# shellcheck disable=SC2154 # $! is the sleep
		trap 'kill $! 2>/dev/null; exit 0' TERM
		sleep "$L" &
		wait $! && kill -s ALRM "$G"
	) </dev/null >/dev/null 2>&1 3>&- 4>&- &
	w=$!
}

# mounted ESCAPED: sets `mounts` to the number of mounts on that path.
mounted() {
	mounts=0
	while read -r _ _ _ _ mp _; do
		[ "$mp" != "$1" ] || mounts=$((mounts + 1))
	done </proc/self/mountinfo
}

# watch PATH ESCAPED: remembers what is there now, once.
watch() {
	i=1
	while [ "$i" -le "$watched" ]; do
		eval "p=\$path$i"
		[ "$p" != "$1" ] || return 0
		i=$((i + 1))
	done
	watched=$i
	there=0
	if [ -e "$1" ] || [ -L "$1" ]; then there=1; fi
	mounted "$2"
	eval "path$i=\$1 esc$i=\$2 there$i=$there mounts$i=$mounts"
}

# on_it PID PATH: has that process its executable, its working folder or an
# open file there?
on_it() {
	{
		ls -ld "/proc/$1/exe" "/proc/$1/cwd" "/proc/$1/root"
		ls -l "/proc/$1/fd"
	} 2>/dev/null | {
		while IFS= read -r line; do
			case $line in *" -> $2" | *" -> $2/"*) exit 0 ;; esac
		done
		exit 1
	}
}

# evict PATH: ends the processes that escaped the session but still use the
# mount. One listing of /proc gives candidates (its text is whatever names the
# host holds, so it only ever suggests), a second look at each decides.
evict() {
	{
		ls -ld /proc/[0-9]*/exe /proc/[0-9]*/cwd /proc/[0-9]*/root
		ls -l /proc/[0-9]*/fd
	} 2>/dev/null | {
		cur='' seen=' '
		while IFS= read -r line; do
			case $line in
			/proc/*/fd:)
				cur=${line#/proc/}
				cur=${cur%/fd:}
				continue
				;;
			*" /proc/"*" -> $1" | *" /proc/"*" -> $1/"*)
				pid=${line#*" /proc/"}
				pid=${pid%%/*}
				;;
			*" -> $1/"*) pid=$cur ;;
			*) continue ;;
			esac
			case $pid in '' | *[!0-9]*) continue ;; esac
			case $A$seen in *" $pid "*) continue ;; esac
			seen="$seen$pid "
			if [ "$pid" -gt 1 ] && on_it "$pid" "$1"; then kill -s KILL "$pid" 2>/dev/null; fi
		done
	}
	return 0
}

# undo_mount INDEX PATH ESCAPED BEFORE
undo_mount() {
	mounted "$3"
	[ "$mounts" -gt "$4" ] || return 0
	# Nothing may hold the mount through the guard itself.
	cd /
	tries=0
	while [ "$mounts" -gt "$4" ] && [ "$tries" -lt 5 ]; do
		if ! umount "$2" 2>/dev/null; then
			evict "$2"
			nap
		fi
		tries=$((tries + 1))
		mounted "$3"
	done
	how=unmounted
	if [ "$mounts" -gt "$4" ]; then
		how=detached
		umount -l "$2" 2>/dev/null
		mounted "$3"
	fi
	if [ "$mounts" -gt "$4" ]; then say left mount "$1"; else say "$how" "$1"; fi
}

# undo_folder INDEX PATH: the folder was not there before, so all that is in it
# came with the play; a mount below it is none of ours and keeps it.
undo_folder() {
	if [ -L "$2" ] || ! [ -d "$2" ]; then return 0; fi
	rmdir "$2" 2>/dev/null && say removed "$1" && return 0
	below=0
	while read -r _ _ _ _ mp _; do
		case $mp in "$3" | "$3"/*) below=1 ;; esac
	done </proc/self/mountinfo
	[ "$below" = 0 ] && rm -rf -- "$2" 2>/dev/null
	if [ -e "$2" ]; then say left folder "$1"; else say removed "$1"; fi
}

undo() {
	i=$watched
	while [ "$i" -gt 0 ]; do
		e='' t='' m=''
		eval "p=\$path$i e=\$esc$i t=\$there$i m=\$mounts$i"
		if [ -L "$p" ]; then
			[ "$t" = 1 ] || say left symlink "$i"
		else
			undo_mount "$i" "$p" "$e" "$m"
			[ "$t" = 1 ] || undo_folder "$i" "$p" "$e"
		fi
		i=$((i - 1))
	done
}

finish() {
	trap '' ALRM TERM
	unwatch
	if [ "$1" = clean ]; then
		end_session all
		undo
	fi
	say bye
	exit 0
}

guard() {
	w='' watched=0
	trap '' HUP INT PIPE
	identify
	trap 'finish clean' ALRM TERM
	[ -n "$S" ] || say nosession
	beat
	while IFS= read -r r; do
		case $r in
		'T '*) printf '%s\n' "${r#T }" ;;
		H) beat ;;
		K)
			end_session task
			say ended
			;;
		'W '*)
			eval "set -- ${r#W }"
			watch "$@"
			;;
		'Q leave') finish leave ;;
		Q*) finish clean ;;
		esac
	done
	finish clean
}
