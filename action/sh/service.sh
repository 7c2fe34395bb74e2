# shellcheck shell=sh
# shellcheck disable=SC2154 # N, a newline, is set by the held shell
# service.sh MANAGER NAME STATE ENABLED MASKED RELOAD REEXEC CHECK SLEEP ARGS BLOCK:
# brings a service to a state (started, stopped, restarted, reloaded or nothing)
# with MANAGER (systemd, openrc, sysv, or auto: what runs the host). ENABLED,
# MASKED: yes, no or nothing. RELOAD, REEXEC: systemd reads its units again.

manager=$1 name=$2 state=$3 enabled=$4 masked=$5 reload=$6 reexec=$7 check=$8 pause=$9
shift 9
arguments=$1 block=$2
changed=no log=

no() {
	[ -z "$log" ] || rm -f -- "$log"
	emit failed 1
	emit changed "$changed"
	emit_hex msg "$1"
	[ -z "$2" ] || emit hint "$2"
	exit 0
}
# run COMMAND…: a daemon may keep its output open, hence a file; and live on
# without this shell, hence setsid.
run() {
	[ "$check" != yes ] || return 0
	if command -v setsid >/dev/null 2>&1; then set -- setsid "$@"; fi
	"$@" >"$log" 2>&1 </dev/null
}
must() { run "$@" || no "$* failed with exit status $?: $(tail -n 5 <"$log")" 'look at its log on the host'; }
log=$(mktemp) || no 'no temporary file can be made' ''

if [ "$manager" = auto ]; then
	if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
		manager=systemd
	elif command -v rc-service >/dev/null 2>&1; then
		manager=openrc
	else
		manager=sysv
	fi
fi
case $manager in
systemd) command -v systemctl >/dev/null 2>&1 || no 'the host has no systemctl' 'the module service uses what the host has' ;;
openrc) command -v rc-service >/dev/null 2>&1 || no 'the host has no rc-service' '' ;;
esac
emit manager "$manager"

# What each manager knows: exists, running, starts (enabled), and act VERB.
scripts=/etc/init.d
case $manager in
systemd)
	if [ "$reload" = yes ]; then must systemctl daemon-reload; fi
	if [ "$reexec" = yes ]; then must systemctl daemon-reexec; fi
	[ -n "$name" ] || { rm -f -- "$log"; emit changed no; exit 0; }
	show=$(systemctl show -p LoadState -p ActiveState -p SubState -p UnitFileState -- "$name" 2>&1) || no "systemctl show $name: $show" ''
	property() { printf '%s\n' "$show" | sed -n "s/^$1=//p"; }
	exists() { [ "$(property LoadState)" != not-found ] || [ "$(property UnitFileState)" != '' ]; }
	running() { case $(property ActiveState) in active | activating | reloading) true ;; *) false ;; esac }
	starts() { systemctl is-enabled --quiet -- "$name" 2>/dev/null; }
	act() { must systemctl ${block:+"$block"} "$1" -- "$name"; }
	turn_on() { must systemctl enable -- "$name"; }
	turn_off() { must systemctl disable -- "$name"; }
	emit_hex status "$show"
	;;
openrc)
	exists() { rc-service -e "$name" >/dev/null 2>&1; }
	running() { rc-service "$name" status >/dev/null 2>&1; }
	starts() { rc-update show 2>/dev/null | grep -q "^ *$name *|.*[a-z]"; }
	act() { must rc-service "$name" "$1"; }
	turn_on() { must rc-update add "$name" default; }
	turn_off() { must rc-update del "$name"; }
	;;
sysv)
	exists() { [ -x "$scripts/$name" ]; }
	running() { "$scripts/$name" status >/dev/null 2>&1 </dev/null; }
	starts() {
		for f in /etc/rc[2-5].d/S[0-9][0-9]"$name" /etc/rc.d/rc[2-5].d/S[0-9][0-9]"$name" /etc/rc.d/S[0-9][0-9]"$name"; do
			if [ -e "$f" ]; then return 0; fi
		done
		return 1
	}
	# shellcheck disable=SC2086 # arguments are words
	act() { must "$scripts/$name" "$1" $arguments; }
	toggle() {
		if command -v update-rc.d >/dev/null 2>&1; then
			must update-rc.d "$name" defaults
			must update-rc.d "$name" "$1"
		elif command -v chkconfig >/dev/null 2>&1; then
			if [ "$1" = enable ]; then must chkconfig "$name" on; else must chkconfig "$name" off; fi
		else
			no 'the host has neither update-rc.d nor chkconfig to say what starts with it' ''
		fi
	}
	turn_on() { toggle enable; }
	turn_off() { toggle disable; }
	;;
esac

was_masked=no
if [ "$manager" = systemd ]; then
	case $(property LoadState)$(property UnitFileState) in *masked*) was_masked=yes ;; esac
fi
if ! exists && ! { [ "$manager" = systemd ] && [ -n "$masked" ]; }; then
	no "Could not find the requested service $name: host" "see what the host calls it; it may come with a package that isn't installed"
fi
case $masked$was_masked in
yesno)
	must systemctl mask -- "$name"
	changed=yes
	;;
noyes)
	must systemctl unmask -- "$name"
	changed=yes
	;;
esac
if [ -n "$enabled" ]; then
	if starts; then now=yes; else now=no; fi
	if [ "$now" != "$enabled" ]; then
		if [ "$enabled" = yes ]; then turn_on; else turn_off; fi
		changed=yes
	fi
	emit enabled "$enabled"
fi
if [ -n "$state" ]; then
	if running; then now=started; else now=stopped; fi
	case $state,$now in
	started,stopped)
		act start
		changed=yes
		;;
	stopped,started)
		act stop
		changed=yes
		;;
	reloaded,stopped)
		act start
		changed=yes
		;;
	reloaded,started)
		act reload
		changed=yes
		;;
	restarted,*)
		if [ -n "$pause" ] && [ "$manager" != systemd ]; then
			if [ "$now" = started ]; then act stop; fi
			[ "$check" = yes ] || sleep "$pause"
			act start
		else
			act restart
		fi
		changed=yes
		;;
	esac
	if [ "$state" = stopped ]; then emit state stopped; else emit state started; fi
fi
rm -f -- "$log"
emit changed $changed
exit 0
