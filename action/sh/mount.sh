# shellcheck shell=sh
# shellcheck disable=SC2154 # N, a newline, is set by the held shell
# mount.sh OP PATH SRC FSTYPE OPTS SIZE CHECK [FSTAB]: PATH is absolute and
# clean. OP:
#   look      reports, with the text of FSTAB
#   ephemeral mounts, never through a symlink, unless the same is mounted there
#   attach    mounts, through symlinks, unless something is mounted there
#   remount   with OPTS
#   detach    unmounts;   detach_rmdir, detach_remove: and removes the folder
# SIZE: kB or N% of a RAM drive to be, or nothing.

op=$1 path=$2 src=$3 fstype=$4 opts=$5 size=$6 check=$7 fstab=$8
changed=no made=
case $fstype in ramfs | tmpfs) ram=$fstype ;; *) ram= ;; esac

no() {
	# Nothing stays behind of what this task made itself.
	while [ -n "$made" ] && [ "$made" != "${top%/*}" ]; do
		rmdir -- "$made" 2>/dev/null || break
		made=${made%/*}
	done
	emit failed 1
	emit changed "$changed"
	emit_hex msg "$1"
	[ -z "$2" ] || emit hint "$2"
	exit 0
}

# plain TEXT: sets plain to what mountinfo meant by it (proc(5)).
plain() {
	plain=$1
	case $1 in *\\*)
		plain=$(printf '%b.' "$1")
		plain=${plain%.}
		;;
	esac
}

# mounts: sets count to the number of mounts on the path, and is_src, is_fstype
# to what the last, which is the visible one, says.
mounts() {
	count=0 is_src='' is_fstype=''
	set -f
	IFS=$N
	# shellcheck disable=SC2013 # a read a byte at a time is slow on a long table
	for line in $(cat /proc/self/mountinfo); do
		IFS=' '
		# shellcheck disable=SC2086 # split on purpose
		set -- $line
		plain "$5"
		[ "$plain" = "$real" ] || continue
		count=$((count + 1))
		while [ $# -gt 3 ] && [ "$1" != - ]; do shift; done
		is_fstype=$2
		plain "$3"
		is_src=$plain
	done
	unset IFS
	set +f
}

# device NAME: sets dev to the path that a source means.
device() {
	dev=$1
	case $1 in
	UUID=*) dev=/dev/disk/by-uuid/${1#*=} ;;
	LABEL=*) dev=/dev/disk/by-label/${1#*=} ;;
	PARTUUID=*) dev=/dev/disk/by-partuuid/${1#*=} ;;
	esac
	case $dev in /*) if [ -e "$dev" ]; then dev=$(readlink -f "$dev"); fi ;; esac
}

# same: is what is mounted there what is asked for?
same() {
	if [ -n "$ram" ]; then
		[ "$is_fstype" = "$ram" ] && { [ -z "$src" ] || [ "$src" = "$is_src" ]; }
		return
	fi
	case ",$opts,$fstype," in *,bind,* | *,rbind,*)
		[ -e "$src" ] && [ "$(stat -L -c %d:%i -- "$src")" = "$(stat -L -c %d:%i -- "$path")" ]
		return
		;;
	esac
	if [ -n "$fstype" ] && [ "$fstype" != auto ] && [ "$fstype" != none ] && [ "$fstype" != "$is_fstype" ]; then return 1; fi
	if [ "$src" = "$is_src" ]; then return 0; fi
	device "$src"
	want=$dev
	device "$is_src"
	[ "$want" = "$dev" ]
}

need_root() {
	uid=$(id -u)
	[ "$uid" = 0 ] || no "$1 $path needs root, the task runs as $(id -un 2>/dev/null || echo "$uid")" 'set become: true on the task or the play'
}

# room: would a RAM drive of this size fit into the free memory?
room() {
	[ -n "$size" ] || return 0
	total='' free='' old=0
	while read -r key kb _; do
		case $key in
		MemTotal:) total=$kb ;;
		MemAvailable:) free=$kb ;;
		MemFree: | Buffers: | Cached:) old=$((old + kb)) ;;
		esac
	done </proc/meminfo
	free=${free:-$old}
	# shellcheck disable=SC2017 # 32 bits would overflow
	case $size in *%) size=$((total / 100 * ${size%?})) ;; esac
	emit size "$size"
	if [ "$size" -gt "$free" ]; then
		emit short "$free"
		no 'too little free memory'
	fi
}

# folder: makes the mount point and remembers the topmost folder it made.
folder() {
	if [ -d "$path" ]; then return 0; fi
	if [ -e "$path" ] || [ -L "$path" ]; then no "$path is not a folder: nothing can be mounted on it"; fi
	top=$path
	while [ -n "${top%/*}" ] && ! [ -d "${top%/*}" ]; do top=${top%/*}; done
	err=$(mkdir -p -- "$path" 2>&1) || no "making $path: $err"
	made=$path
}

attach() {
	room
	need_root mounting
	if [ "$check" = yes ]; then
		changed=yes
		return 0
	fi
	folder
	set --
	[ -z "$fstype" ] || set -- -t "$fstype"
	[ -z "$opts" ] || set -- "$@" -o "$opts"
	before=$(cat /proc/self/mountinfo)
	if [ "$op" = ephemeral ] && [ -n "$ram" ]; then
		# On the folder that this shell holds, so that nobody can put a symlink in
		# its place meanwhile. -c keeps util-linux from asking for its name again;
		# busybox, which never does, has no -c.
		cd -P -- "$path" && [ "$PWD" = "$path" ] || no "$path is not the folder it was: nothing is mounted there"
		mount -c "$@" -- "${src:-$fstype}" . 2>/dev/null || err=$(mount "$@" -- "${src:-$fstype}" . 2>&1)
	else
		err=$(mount "$@" -- "${src:-$fstype}" "$path" 2>&1)
	fi || no "mounting ${src:-$fstype} on $path: $err"
	cd /
	find_real
	mounts
	if [ "$count" -eq 0 ] || { [ "$op" = ephemeral ] && [ "$real" != "$path" ]; }; then
		stray
		no "$path was replaced while it was mounted on: the mount is undone" 'look at who may write to the folders above it'
	fi
	changed=yes made=
}

# stray: unmounts what was mounted since before.
stray() {
	set -f
	IFS=$N
	# shellcheck disable=SC2013
	for line in $(cat /proc/self/mountinfo); do
		case $N$before$N in *"$N$line$N"*) continue ;; esac
		case $line in *" - $ram"*) ;; *) continue ;; esac
		IFS=' '
		# shellcheck disable=SC2086 # split on purpose
		set -- $line
		plain "$5"
		umount -- "$plain"
	done
	unset IFS
	set +f
}

detach() {
	emit gone 1
	if [ "$count" -eq 0 ]; then return 0; fi
	need_root unmounting
	changed=yes
	if [ "$check" = yes ]; then return 0; fi
	tries=0 rounds=0
	cd /
	while [ "$count" -gt 0 ] && [ "$rounds" -lt 32 ]; do
		rounds=$((rounds + 1))
		before=$count
		err=$(umount -- "$real" 2>&1)
		mounts
		[ "$count" -ge "$before" ] || continue
		# A program that has just ended may still be on its way out.
		tries=$((tries + 1))
		if [ "$tries" -ge 15 ]; then
			changed=no
			emit_hex busy "$real"
			no "unmounting $path: $err" 'end what uses it, or let the task come after it'
		fi
		sleep 0.2 2>/dev/null || sleep 1
	done
}

# remove STRICT: the empty folder.
remove() {
	if [ -L "$path" ]; then no "$path is a symlink: it is not removed"; fi
	if ! [ -e "$path" ]; then return 0; fi
	[ -d "$path" ] || no "$path is not a folder: it is not removed"
	if [ "$check" != yes ]; then
		err=$(rmdir -- "$path" 2>&1) || no "removing $path: $err" 'only an empty folder is removed'
	fi
	changed=yes
}

# find_real: the path as mountinfo has it. A symlink is no mount point.
find_real() {
	real=$path
	up=${path%/*}
	if ! [ -d "${up:-/}" ]; then return 0; fi
	case $op in look | attach | remount)
		if [ -d "$path" ]; then
			real=$(cd -P -- "$path" && pwd -P)
			return 0
		fi
		;;
	esac
	up=$(cd -P -- "${up:-/}" && pwd -P)
	real=${up%/}/${path##*/}
}

find_real
mounts
case $op in
look)
	emit count "$count"
	if [ "$count" -gt 0 ] && same; then emit same 1; fi
	fstab=$(readlink -f "$fstab" 2>/dev/null || printf %s "$fstab")
	emit_hex fstab "$fstab"
	if [ -f "$fstab" ]; then
		# $( ) would drop newlines at the end.
		text=$(cat "$fstab" && printf .)
		emit_hex text "${text%.}"
		emit sum "$(cksum <"$fstab")"
		emit at "$(stat -c '%a %u %g' -- "$fstab")"
	fi
	;;
ephemeral)
	if [ -L "$path" ]; then no "$path is a symlink: nothing is mounted through it" 'look at who put it there, and remove it'; fi
	if [ "$real" != "$path" ]; then no "$path is reached through a symlink: nothing is mounted through it" "name $real instead"; fi
	if [ "$count" -eq 0 ]; then
		attach
	elif ! same; then
		no "$path already has ${is_src:-another source} ($is_fstype) mounted on it" 'unmount it first (state: unmounted), or choose another path'
	fi
	;;
attach) [ "$count" -gt 0 ] || attach ;;
remount)
	[ "$count" -gt 0 ] || no "$path is not mounted"
	need_root remounting
	changed=yes
	if [ "$check" != yes ]; then
		err=$(mount -o "remount${opts:+,$opts}" -- "$real" 2>&1) || no "remounting $path: $err"
	fi
	;;
detach) detach ;;
detach_rmdir)
	detach
	if [ -d "$path" ] && ! [ -L "$path" ]; then remove; fi
	;;
detach_remove)
	if [ -L "$path" ]; then no "$path is a symlink: it is left as it is"; fi
	detach
	remove
	;;
esac
emit changed "$changed"
exit 0
