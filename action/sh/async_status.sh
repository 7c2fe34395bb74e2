# async_status.sh JID status|cleanup: says how the job that async_start.sh began
# is, or takes away what is kept of it.

job=$HOME/.ansible_async/$1
emit_hex path "$job"
if [ ! -d "$job" ]; then
	emit missing 1
	exit 0
fi
if [ "$2" = cleanup ]; then
	rm -rf -- "$job"
	rmdir -- "$HOME/.ansible_async" 2>/dev/null # unless other jobs are kept there
	exit 0
fi
emit_hex cmd "$(cat -- "$job/cmd" 2>/dev/null)"
if [ -e "$job/late" ]; then emit late 1; fi
if [ -f "$job/rc" ]; then
	read -r rc start end <"$job/rc"
	emit rc "$rc"
	emit start "$start"
	emit end "$end"
elif [ -f "$job/pid" ] && read -r pid <"$job/pid" && ! kill -0 "$pid" 2>/dev/null && [ ! -f "$job/rc" ]; then
	emit gone 1
fi
