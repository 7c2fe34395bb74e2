# shellcheck shell=sh
# shellcheck disable=SC2016 # dpkg-query's own names
# package.sh MANAGER STATE CHECK UPDATE VALID OPTIONS COUNT NAME… OPTION…: brings
# packages to a state (present, absent, latest) with MANAGER, or the one that
# the host has. UPDATE: yes, or no; VALID: seconds for which a list of packages
# is good. OPTIONS: words for this program: purge, autoremove, norecommends.
# COUNT names follow, then options for the manager's install.

manager=$1 state=$2 check=$3 update=$4 valid=$5 options=" $6 " count=$7
shift 7
log=
no() {
	[ -z "$log" ] || rm -f -- "$log"
	emit failed 1
	emit_hex msg "$1"
	[ -z "$2" ] || emit hint "$2"
	exit 0
}
has() { case $options in *" $1 "*) true ;; *) false ;; esac }

if [ "$manager" = auto ]; then
	for manager in apt-get dnf yum zypper apk pacman ''; do
		if [ -n "$manager" ] && command -v "$manager" >/dev/null 2>&1; then break; fi
	done
	[ -n "$manager" ] || no 'the host has none of apt-get, dnf, yum, zypper, apk and pacman' 'a raw task may do it with what the host has'
	manager=${manager%-get}
fi
program=$manager
if [ "$manager" = apt ]; then program=apt-get; fi
command -v "$program" >/dev/null 2>&1 || no "the host has no $program" 'leave out use, so that what the host has is used'
emit manager "$manager"

# version NAME: what is installed, or a failure.
version() {
	case $manager in
	apt)
		got=$(dpkg-query -W -f '${db:Status-Status} ${Version}' -- "${1%%=*}" 2>/dev/null) || return 1
		case $got in 'installed '*) ;; *) return 1 ;; esac
		case $1 in *=*) [ "${got#* }" = "${1#*=}" ] ;; esac
		;;
	dnf | yum | zypper) rpm -q --whatprovides -- "$1" >/dev/null 2>&1 || rpm -q -- "$1" >/dev/null 2>&1 ;;
	apk) apk info -e "$1" >/dev/null 2>&1 ;;
	pacman) pacman -Q -- "$1" >/dev/null 2>&1 ;;
	esac
}
# outdated NAME: a newer one can be had.
outdated() {
	case $manager in
	apt) apt-get -s -q install -- "$1" 2>/dev/null | grep -q '^Inst ' ;;
	dnf | yum) "$manager" -q check-update "$1" >/dev/null 2>&1; [ $? = 100 ] ;;
	zypper) zypper -q --non-interactive list-updates 2>/dev/null | grep -q -F -- "| $1 " ;;
	apk) [ -n "$(apk version -q -l '<' "$1" 2>/dev/null)" ] ;;
	pacman) pacman -Qu -- "$1" >/dev/null 2>&1 ;;
	esac
}
# everything: what is installed, in one word.
everything() {
	case $manager in
	apt) dpkg-query -W -f '${Package} ${Architecture} ${Version} ${Status}\n' ;;
	dnf | yum | zypper) rpm -qa | sort ;;
	apk) apk info -v | sort ;;
	pacman) pacman -Q ;;
	esac 2>/dev/null | sha256sum
}
# run COMMAND…: its words go to the log and, where it fails, into the message.
run() {
	"$@" >>"$log" 2>&1 </dev/null || {
		rc=$?
		emit rc $rc
		emit_hex stdout "$(tail -c 20000 <"$log")"
		no "'$1 $2 …' failed with exit status $rc: $(grep -v '^[[:space:]]*$' <"$log" | tail -n 3)" 'its output is in the result; a list of packages may be old: update_cache: true'
	}
}
refresh() {
	if [ "$valid" -gt 0 ]; then
		for stamp in /var/lib/apt/periodic/update-success-stamp /var/lib/apt/lists /var/cache/apk /var/lib/pacman/sync; do
			if at=$(stat -c %Y "$stamp" 2>/dev/null) && [ $((at + valid)) -gt "$(date +%s)" ]; then return 0; fi
		done
	fi
	emit cache_updated yes
	[ "$check" != yes ] || return 0
	case $manager in
	apt) run apt-get -q update ;;
	dnf | yum) run "$manager" -y -q makecache ;;
	zypper) run zypper --non-interactive refresh ;;
	apk) run apk update ;;
	pacman) run pacman -Sy --noconfirm ;;
	esac
}

export LC_ALL=C DEBIAN_FRONTEND=noninteractive
log=$(mktemp) || no 'no temporary file can be made' ''
before=$(everything)
[ "$update" != yes ] || refresh
todo=0
i=0
while [ $i -lt "$count" ]; do
	i=$((i + 1))
	name=$1
	shift
	case $state in
	present) version "$name" ;;
	absent) ! version "$name" ;;
	latest) [ "$name" != '*' ] && version "$name" && ! outdated "$name" ;;
	esac || {
		set -- "$@" "$name"
		todo=$((todo + 1))
		continue
	}
done
# What is left: the options, then the names to do something about.
options_count=$(($# - todo))
changed=no
if [ "$todo" -gt 0 ]; then
	if [ "$check" = yes ]; then
		changed=yes
	else
		# The options come first, as they are given.
		all=
		if [ "$1" = '*' ] && [ "$state" = latest ] && [ "$options_count" = 0 ]; then all=1; fi
		case $manager,$state in
		apt,absent)
			verb=remove
			if has purge; then verb=purge; fi
			set -- "$verb" "$@"
			if has autoremove; then set -- --auto-remove "$@"; fi
			set -- apt-get -y -q -o DPkg::Lock::Timeout=60 "$@"
			;;
		apt,*)
			recommends=
			if has norecommends; then recommends=--no-install-recommends; fi
			if [ -n "$all" ]; then
				set -- dist-upgrade
			else
				set -- ${recommends:+"$recommends"} install "$@"
			fi
			set -- apt-get -y -q -o DPkg::Lock::Timeout=60 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
			;;
		dnf,absent | yum,absent) set -- "$manager" -y -q remove "$@" ;;
		dnf,latest | yum,latest)
			if [ -n "$all" ]; then shift; else run "$manager" -y -q install "$@"; fi
			set -- "$manager" -y -q upgrade "$@"
			;;
		dnf,* | yum,*) set -- "$manager" -y -q install "$@" ;;
		zypper,absent) set -- zypper --non-interactive remove "$@" ;;
		zypper,*) if [ -n "$all" ]; then set -- zypper --non-interactive update; else set -- zypper --non-interactive install "$@"; fi ;;
		apk,absent) set -- apk del "$@" ;;
		apk,latest) if [ -n "$all" ]; then set -- apk upgrade; else set -- apk add -u "$@"; fi ;;
		apk,*) set -- apk add "$@" ;;
		pacman,absent) set -- pacman -R --noconfirm "$@" ;;
		pacman,*) if [ -n "$all" ]; then set -- pacman -Syu --noconfirm; else set -- pacman -S --noconfirm --needed "$@"; fi ;;
		esac
		run "$@"
		[ "$before" = "$(everything)" ] || changed=yes
		emit_hex stdout "$(tail -c 20000 <"$log")"
	fi
fi
rm -f -- "$log"
emit rc 0
emit changed $changed
exit 0
