# wait_for.sh PATH STATE(there|gone) SECONDS SLEEP SEEN TCP TCP6: looks every SLEEP
# seconds, for at most SECONDS, and reports met yes when PATH is there or gone,
# or, PATH being nothing, when /proc/net/tcp{,6} have a line that matches these
# expressions, or none. SEEN: how a file looked (seen) that isn't meant any more.

path=$1 state=$2 seconds=$3 sleep=$4 seen=$5 tcp=$6 tcp6=$7
# shellcheck disable=SC2088 # a ~ of the user's own text
case $path in
'~') path=$HOME ;;
'~/'*) path=$HOME/${path#??} ;;
-*) path=./$path ;;
esac

no() {
	emit failed 1
	emit_hex msg "$1"
	emit hint "$2"
	exit 0
}
now() {
	read -r now _ </proc/uptime || no "the host's clock can't be read: /proc/uptime isn't there" 'mount /proc on it'
	now=${now%.*}${now#*.} # hundredths: whole seconds would end it early
}
# there PATH: and if it isn't because it can't be looked at, that is the end.
there() {
	if got=$(LC_ALL=C stat -L -c '%i %s %y' -- "$path" 2>&1); then
		[ "$got" != "$seen" ]
		return
	fi
	if [ "$state" = gone ]; then return 1; fi
	case $got in
	*'No such file or directory') return 1 ;;
	esac
	no "Failed to stat $path, ${got##*: }" 'check the folders above it, and that the account may enter them'
}
listens() {
	[ -r /proc/net/tcp ] || [ -r /proc/net/tcp6 ] || no "what listens on the host can't be told: /proc/net/tcp isn't there" 'mount /proc on it'
	{ [ -n "$tcp" ] && grep -q -E -e "$tcp" /proc/net/tcp; } || grep -q -E -e "$tcp6" /proc/net/tcp6
} 2>/dev/null

now
end=$((now + seconds * 100))
while :; do
	if [ -n "$path" ]; then there; else listens; fi
	case $?$state in
	0there | [!0]gone)
		emit met yes
		if [ -n "$path" ] && [ "$state" = there ]; then
			emit seen "$got"
			emit at "$(stat -c '%a %u %g %U %G %s' -- "$path")"
			if [ -L "$path" ]; then
				emit state link
			elif [ -d "$path" ]; then
				emit state directory
			else
				emit state file
			fi
		fi
		exit 0
		;;
	esac
	now
	left=$(((end - now + 99) / 100))
	[ "$left" -gt 0 ] || break
	[ "$left" -lt "$sleep" ] || left=$sleep
	sleep "$left"
	now
	[ "$now" -lt "$end" ] || break
done
emit met no
