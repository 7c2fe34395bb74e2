# shellcheck shell=sh
# shellcheck disable=SC2030,SC2031 # the watchdog's A is its own
# guard.sh: reads requests from the channel, one a line, and answers for the
# host being left clean. Set before it: Z (nonce), L (lease, seconds), B (1
# where another account was become), N (a newline). Descriptor 3 is the
# channel's standard output; the guard's own is the pipe to the loop.
#
#   T TEXT            a task for the loop
#   B BYTES           likewise, as a block of that many bytes after the newline
#   C BYTES           a block of a stream's input, likewise; C 0 ends it
#   H                 heartbeat: the lease starts anew
#   W PATH            watch PATH, absolute and clean, from now on
#   K                 end the running task's processes, then answer `ended`
#   Q clean|leave     goodbye
#
# End of file, a lapsed lease, TERM, a loop that is gone: as `Q clean`. Where the
# guard itself was killed, its watchdog does so when the lease is over.

say() { printf '\n%s %s\n' "$Z" "$*" >&3; }

# stat_of PID: sets pid, state, parent and sid to what /proc says of a process.
# Its name may hold anything, newlines too; what follows it is on the last line.
# /proc/self is the process that reads it, so a builtin read tells a subshell's
# own id, which $$ does not.
stat_of() {
	st=
	{ while IFS= read -r line; do st=$line; done <"/proc/$1/stat"; } 2>/dev/null
	[ -n "$st" ] || return 1
	pid=${st%% *}
	# shellcheck disable=SC2086 # split on purpose
	set -- ${st##*) }
	state=$1 parent=$2 sid=$4
}

# identify: sets G to the guard's own id, S to its session and A to the guard
# and its ancestors in it.
identify() {
	S=
	stat_of self || return 0
	G=$pid leader=$sid
	A=" $$ $G "
	# The session must be this channel's own, or ending it would end somebody
	# else's processes: its leader is this program's first shell, or, where
	# another account was become, the program that did it.
	p=$$
	n=0
	while [ "$p" != "$leader" ]; do
		if [ "$B" != 1 ] || [ "$n" -ge 4 ]; then return 0; fi
		# An ordinary account may not see root's sudo (hidepid, proc(5)), and
		# sees and ends no more than what is its own.
		stat_of "$p" || break
		p=$parent
		A="$A$p "
		n=$((n + 1))
	done
	S=$leader
}

has_grep() { command -v grep >/dev/null 2>&1; }

# candidates: the stat files that may be of the session's processes. The shell
# reads a byte at a time, which a host with thousands of processes feels.
candidates() {
	if has_grep; then
		grep -ls ") [^Z] [0-9]* [0-9]* $S " /proc/[0-9]*/stat
		[ $? -ge 126 ] || return 0 # more names than an argument list holds
	fi
	printf '%s\n' /proc/[0-9]*/stat
}

# members SIGNAL all|task: signals the session's processes and sets `left` to
# their ids. Never the guard, its ancestors or its watchdog; with `task` not the
# loop either.
members() {
	left=
	[ -n "$S" ] || return 0
	for f in $(candidates); do
		f=${f#/proc/}
		f=${f%/stat}
		stat_of "$f" || continue
		if [ "$sid" != "$S" ] || [ "$state" = Z ]; then continue; fi
		case "$A$w" in *" $f "* | *" $parent "*)
			# The guard, its ancestors, its watchdog, and their children: only
			# the loop, a child of the first shell, ever counts.
			if [ "$2" = task ] || [ "$parent" != $$ ] || [ "$f" = "$G" ]; then continue; fi
			;;
		esac
		left="$left $f"
		kill -s "$1" "$f" 2>/dev/null
	done
	return 0
}

# still: drops from `left` the processes that have ended.
still() {
	known=$left left=
	for f in $known; do
		if stat_of "$f" && [ "$sid" = "$S" ] && [ "$state" != Z ]; then left="$left $f"; fi
	done
}

nap() { sleep 0.1 2>/dev/null || sleep 1; }

# end_session all|task: TERM, up to two seconds, KILL. On a host that is busy
# the naps are long, so the clock counts too.
end_session() {
	for sig in TERM KILL; do
		i=0
		read -r began _ </proc/uptime
		members "$sig" "$1"
		while [ -n "$left" ] && [ "$i" -lt 20 ]; do
			read -r up _ </proc/uptime
			[ "$sig" = KILL ] || [ $((${up%.*} - ${began%.*})) -lt 3 ] || break
			nap
			still
			# What they started in the meantime; KILL leaves nobody time to.
			if [ -z "$left" ] || [ "$sig" = KILL ]; then members "$sig" "$1"; fi
			i=$((i + 1))
		done
	done
	# shellcheck disable=SC2086 # count them
	set -- $left
	[ $# -eq 0 ] || say left processes $#
}

# beat: one watchdog sleeps for a lease and is replaced at each heartbeat. It
# holds none of the channel's descriptors, or the channel could not close before
# it ends. It knows what the guard knew, so it can stand in for a guard that was
# killed.
beat() {
	dismiss
	(
		# shellcheck disable=SC2154 # $! is the sleep
		trap 'kill $! 2>/dev/null; exit 0' USR1
		sleep "$L" &
		wait $! || exit 0
		stat_of self
		if [ "$parent" = "$G" ]; then
			kill -s ALRM "$G"
		else
			A="$A$pid " w=' '
			finish clean
		fi
	) </dev/null >/dev/null 2>&1 3>&1 4>&- 5<&- &
	w=" $!$w"
}

# dismiss: ends the watchdogs there are (` PID…` in w) and buries the dead, for
# a shell keeps those that it was not asked for. Not by TERM, which the guard
# traps: a subshell that is only just begun would lose it. Whoever does not go
# at once is told again the next time, long before the lease is over.
dismiss() {
	known=$w w=' '
	for f in $known; do
		kill -s USR1 "$f"
		if stat_of "$f" && [ "$state" != Z ]; then w=" $f$w"; else wait "$f"; fi
	done
}

# plain ESCAPED: sets `plain` to what mountinfo meant (proc(5)).
plain() {
	plain='' rest=$1
	while :; do
		case $rest in *\\[01][0-7][0-7]*) ;; *) break ;; esac
		plain=$plain${rest%%\\*}
		rest=${rest#*\\}
		case $rest in
		040*) plain="$plain " ;;
		011*) plain=$plain$TAB ;;
		012*) plain=$plain$N ;;
		134*) plain=$plain\\ ;;
		043*) plain="$plain#" ;;
		esac
		rest=${rest#???}
	done
	plain=$plain$rest
}

# mounts_on PATH SKIP: sets `mounts` to the mounts on PATH without the first
# SKIP of them, and to those made below these, the newest first, each as
# ID:ESCAPED; and `count` to the number of mounts on PATH.
mounts_on() {
	mounts='' count=0
	while read -r id _ _ _ mp _; do
		plain=$mp
		case $mp in *\\*) plain "$mp" ;; esac
		case $plain in
		"$1") count=$((count + 1)) ;;
		"$1"/*) ;;
		*) continue ;;
		esac
		[ "$count" -le "$2" ] || mounts="$id:$mp $mounts"
	done </proc/self/mountinfo
}

# physical PATH: sets `real` to where PATH leads, through every symlink, which
# is how mountinfo names it. What is not there yet stays as it is written.
physical() {
	head=$1 tail=''
	while ! [ -d "$head" ]; do
		tail=/${head##*/}$tail
		head=${head%/*}
		head=${head:-/}
	done
	real=$(cd -P -- "$head" && pwd -P && echo .) 2>/dev/null
	real=${real%"$N."}
	real=${real:-$head}
	real=${real%/}$tail
}

# watch PATH: remembers what is there now, once.
watch() {
	i=1
	while [ "$i" -le "$watched" ]; do
		eval "p=\$path$i"
		[ "$p" != "$1" ] || return 0
		i=$((i + 1))
	done
	there=0
	if [ -e "$1" ] || [ -L "$1" ]; then there=1; fi
	physical "$1"
	mounts_on "$real" 0
	eval "path$i=\$1 real$i=\$real there$i=$there count$i=$count"
	watched=$i
	beat # the watchdog must know too
}

# id_in FDINFO: sets `id` to the mount that it names, to nothing where the
# kernel doesn't tell (before 3.15).
id_in() {
	id=
	while IFS=$TAB read -r key value; do
		[ "$key" != mnt_id: ] || id=$value
	done <"$1"
}

# evict ID PATH: ends the processes that escaped the session but still have
# their executable, working folder or an open file on that mount. The text of a
# link only suggests (it is whatever names the host and its containers hold, and
# ls may show odd characters otherwise), the mount's id decides.
evict() {
	like=${2%%[!A-Za-z0-9/._-]*}
	set -f
	IFS=$N
	for line in $(set +f; QUOTING_STYLE=literal ls -ld /proc/[0-9]*/exe /proc/[0-9]*/cwd /proc/[0-9]*/root 2>/dev/null); do
		case $line in *" /proc/"*" -> $like"*) ;; *) continue ;; esac
		f=/proc/${line#*" /proc/"}
		{ id_in /proc/self/fdinfo/9; } 2>/dev/null 9<"${f%%" -> "*}" || continue
		if [ -z "$id" ]; then
			case $line in *" -> $2" | *" -> $2/"*) id=$1 ;; esac
		fi
		[ "$id" != "$1" ] || evict_one "$f"
	done
	for f in $(set +f; open_files "$1"); do
		id_in "$f"
		[ "$id" != "$1" ] || evict_one "$f"
	done 2>/dev/null
	unset IFS
	set +f
}
open_files() {
	if has_grep; then
		grep -rls "^mnt_id:[[:space:]]*$1\$" /proc/[0-9]*/fdinfo
	else
		printf '%s\n' /proc/[0-9]*/fdinfo/*
	fi
}

# evict_one /proc/PID/…
evict_one() {
	pid=${1#/proc/}
	pid=${pid%%/*}
	case "$A$w" in *" $pid "*) return 0 ;; esac
	[ "$pid" -le 1 ] || kill -s KILL "$pid" 2>/dev/null
}

# undo_mount INDEX REAL BEFORE
undo_mount() {
	mounts_on "$2" "$3"
	[ -n "$mounts" ] || return 0
	tries=0
	while [ -n "$mounts" ] && [ "$tries" -lt 10 ]; do
		busy=0
		set -f
		for m in $mounts; do
			plain "${m#*:}"
			umount "$plain" 2>/dev/null || { busy=1; evict "${m%%:*}" "$plain"; }
		done
		set +f
		[ "$busy" = 0 ] || nap
		tries=$((tries + 1))
		mounts_on "$2" "$3"
	done
	how=unmounted
	if [ -n "$mounts" ]; then
		how=detached
		set -f
		for m in $mounts; do
			plain "${m#*:}"
			umount -l "$plain" 2>/dev/null
		done
		set +f
		mounts_on "$2" "$3"
	fi
	if [ -n "$mounts" ]; then say left mount "$1"; else say "$how" "$1"; fi
}

# undo_folder INDEX PATH REAL: the folder was not there before, so all that is
# in it came with the play; a mount below it is none of ours and keeps it. It is
# removed from within the folder that holds it, so that no symlink put into its
# path leads the removal astray.
undo_folder() {
	[ -d "$2" ] || return 0
	physical "$2"
	above=${3%/*}
	if [ "$real" != "$3" ] || ! cd -P -- "$above/" 2>/dev/null || [ "$(pwd -P; echo .)" != "${above:-/}$N." ]; then
		say left moved "$1"
		return 0
	fi
	name=./${3##*/}
	tries=0
	while ! rmdir -- "$name" 2>/dev/null && [ "$tries" -lt 10 ]; do
		mounts_on "$3" -1
		[ -z "$mounts" ] || break
		# What still wrote there when the channel ended may do so for a moment.
		rm -rf -- "$name" 2>/dev/null
		[ -e "$name" ] || break
		nap
		tries=$((tries + 1))
	done
	if [ -e "$name" ]; then say left folder "$1"; else say removed "$1"; fi
	cd /
}

undo() {
	# Nothing may hold a mount through the guard itself.
	cd /
	n=$watched
	while [ "$n" -gt 0 ]; do
		p='' r='' t='' c=''
		eval "p=\$path$n r=\$real$n t=\$there$n c=\$count$n"
		undo_mount "$n" "$r" "$c"
		if [ "$t" = 0 ]; then
			if [ -L "$p" ]; then say left symlink "$n"; else undo_folder "$n" "$p" "$r"; fi
		fi
		n=$((n - 1))
	done
}

# pass BYTES WORD: lets head copy them to the loop, after a line with WORD and
# their number. In the background, for a shell minds a trap only between
# commands, and wait.
pass() {
	printf '%s%s\n' "$2" "$1" || return 1
	head -c "$1" <&5 &
	h=$!
	wait "$h" || return 1
	h=
}

finish() {
	trap '' ALRM TERM
	[ -z "$h" ] || kill "$h"
	dismiss
	if [ "$1" = clean ]; then
		end_session all
		undo
	fi
	i=0
	while [ "$w" != ' ' ] && [ "$i" -lt 100 ]; do
		[ "$i" -lt 50 ] || nap # the first looks take as long as a process does to end
		dismiss
		i=$((i + 1))
	done
	say bye
	exit 0
}

guard() {
	w=' ' h='' watched=0
	exec 5<&0 # what runs in the background has /dev/null for 0
	exec 2>/dev/null # shells remark on those that a signal ended
	TAB=$(printf '\t')
	trap '' HUP INT PIPE
	identify
	trap 'finish clean' TERM
	trap 'say lapsed; finish clean' ALRM
	[ -n "$S" ] || say nosession
	beat
	while IFS= read -r r; do
		case $r in
		'T '*) printf '%s\n' "${r#T }" || break ;;
		'B '*) pass "${r#B }" 'block ' || break ;;
		'C 0') printf '\n0\n#over %s\n' "$Z" || break ;;
		'C '*)
			beat # no heartbeat comes before the block is through
			pass "${r#C }" '' || break
			;;
		H)
			beat
			# A task can run for hours: is there still a loop to say how it ended?
			printf '\n' || break
			;;
		K)
			beat # the next heartbeat waits until this is done
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
