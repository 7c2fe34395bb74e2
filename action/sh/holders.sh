# holders.sh PATH: a few of the processes that hold a mount, from /proc.

{
	ls -ld /proc/[0-9]*/exe /proc/[0-9]*/cwd /proc/[0-9]*/root
	ls -l /proc/[0-9]*/fd
} 2>/dev/null | {
	pid='' list='' n=0 seen=' '
	while IFS= read -r line; do
		case $line in
		/proc/*/fd:)
			pid=${line#/proc/}
			pid=${pid%/fd:}
			continue
			;;
		*" -> $1" | *" -> $1/"*) ;;
		*) continue ;;
		esac
		who=$pid
		case $line in *" /proc/"*)
			who=${line#*" /proc/"}
			who=${who%%/*}
			;;
		esac
		case $seen in *" $who "*) continue ;; esac
		case $who in '' | *[!0-9]*) continue ;; esac
		seen="$seen$who "
		comm='?'
		{ IFS= read -r comm </proc/"$who"/comm; } 2>/dev/null
		n=$((n + 1))
		[ "$n" -le 5 ] || continue
		list="$list${list:+, }$comm (pid $who)"
	done
	[ "$n" -le 5 ] || list="$list and $((n - 5)) more"
	emit_hex held "$list"
}
