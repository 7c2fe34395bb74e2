# setup.sh FACTS: reports raw facts; the module words them. Reads files with the
# shell alone and starts two programs, uname and date (and id, where
# /etc/passwd doesn't know the account). FACTS is the folder of local facts,
# whose names it tells; empty: none.

# first KEY FILE: reports a file's first line.
first() {
	l=
	{ IFS= read -r l <"$2"; } 2>/dev/null
	if [ -n "$l" ]; then emit "$1" "$l"; fi
}

emit machine "$(uname -m)"
emit date "$(date '+%s:%Y:%m:%d:%H:%M:%S:%z:%Z')"
first system /proc/sys/kernel/ostype
first kernel /proc/sys/kernel/osrelease
first kernel_version /proc/sys/kernel/version
first nodename /proc/sys/kernel/hostname
first machine_id /etc/machine-id
first debian_version /etc/debian_version
first redhat_release /etc/redhat-release
first uptime /proc/uptime
first cpus /sys/devices/system/cpu/online

f=/etc/os-release
[ -r "$f" ] || f=/usr/lib/os-release
if [ -r "$f" ]; then
	while IFS= read -r l || [ -n "$l" ]; do
		case $l in
		ID=* | ID_LIKE=* | NAME=* | VERSION_ID=* | VERSION_CODENAME=*) emit "os_${l%%=*}" "${l#*=}" ;;
		esac
	done <"$f"
fi

if [ -r /proc/meminfo ]; then
	while read -r k v _; do
		case $k in
		MemTotal: | MemFree: | MemAvailable: | SwapTotal:) emit "${k%:}" "$v" ;;
		SwapFree:)
			emit SwapFree "$v"
			break
			;;
		esac
	done </proc/meminfo
fi

interfaces=
for f in /sys/class/net/*; do
	if [ -L "$f" ] || [ -d "$f" ]; then interfaces="$interfaces ${f##*/}"; fi
done
emit interfaces "$interfaces"

# What installs packages; on Debian the others may be there as mere tools.
managers='dnf yum zypper apk pacman apt-get'
[ -e /etc/debian_version ] && managers="apt-get $managers"
for p in $managers; do
	if [ -x "/usr/bin/$p" ] || [ -x "/sbin/$p" ]; then
		emit pkg_mgr "$p"
		break
	fi
done

l=
{ IFS= read -r l </proc/1/comm; } 2>/dev/null
if [ -d /run/systemd/system ]; then
	l=systemd
elif [ "$l" = init ]; then
	l=sysvinit
	[ -x /sbin/openrc ] && l=openrc
fi
emit service_mgr "$l"

sockets=' '
for f in /sys/devices/system/cpu/cpu[0-9]*/topology/physical_package_id; do
	l=
	{ read -r l <"$f"; } 2>/dev/null
	case $sockets in
	*" $l "*) ;;
	*) if [ -n "$l" ]; then sockets="$sockets$l "; fi ;;
	esac
done
emit sockets "$sockets"

uid=
if [ -r /proc/self/status ]; then
	while read -r k _ v r; do
		case $k in
		Uid:) uid=$v ;;
		Gid:)
			emit gid "$v"
			break
			;;
		esac
	done </proc/self/status
fi
[ -n "$uid" ] || uid=$(id -u)
emit uid "$uid"
name=
if [ -r /etc/passwd ]; then
	while IFS=: read -r n _ u _ g d s; do
		if [ "$u" = "$uid" ]; then
			name=$n
			emit user_gecos "$g"
			emit user_dir "$d"
			emit user_shell "$s"
			break
		fi
	done </etc/passwd
fi
[ -n "$name" ] || name=$(id -un 2>/dev/null)
emit user "$name"

# A full name, from /etc/hosts alone: asking a name server may take long.
host=
{ read -r host </proc/sys/kernel/hostname; } 2>/dev/null
if [ -n "$host" ] && [ -r /etc/hosts ]; then
	while read -r a n r || [ -n "$a" ]; do
		case $a in '#'*) continue ;; esac
		case " $n ${r%%#*} " in *" $host "*) ;; *) continue ;; esac
		case $n in
		*.*)
			emit fqdn "$n"
			break
			;;
		esac
	done </etc/hosts
fi

if [ -n "$1" ]; then
	i=0
	for f in "$1"/*.fact; do
		if ! [ -e "$f" ] || [ -d "$f" ]; then continue; fi
		if [ "$i" -ge 200 ]; then
			emit facts_more yes
			break
		fi
		k=r
		if [ -x "$f" ]; then k=x; fi
		emit_hex "fact_$i" "$k $f"
		i=$((i + 1))
	done
fi
