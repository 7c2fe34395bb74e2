# stat.sh PATH FOLLOW(1|0) ALGORITHM(empty: no digest): reports what PATH is.
# GNU and busybox stat; `exists no` where nothing is there.

p=$1
# shellcheck disable=SC2088 # a ~ of the user's text
case $p in
'~/'*) p=$HOME/${p#??} ;;
'~') p=$HOME ;;
-*) p=./$p ;;
esac

if ! command -v stat >/dev/null 2>&1; then
	emit failed 1
	emit msg "the host has no stat program"
	emit hint "install coreutils or busybox on it"
	exit 0
fi

# What each letter is: stat(1), the same in GNU's and busybox's.
form='%f:%s:%u:%g:%U:%G:%X:%Y:%Z:%i:%d:%h:%b:%o:%t:%T'
if [ "$2" = 1 ]; then
	got=$(LC_ALL=C stat -L -c "$form" "$p" 2>&1)
else
	got=$(LC_ALL=C stat -c "$form" "$p" 2>&1)
fi
# A failing stat says why; a name may hold what looks like a reason, so only
# the end counts.
# shellcheck disable=SC2181 # the two calls above
if [ $? != 0 ]; then
	case $got in
	*"No such file or directory" | *"Not a directory")
		emit exists no
		exit 0
		;;
	esac
	emit failed 1
	emit_hex msg "can't look at $p: ${got##*: }"
	emit hint "check that the account may enter the folders above it"
	exit 0
fi
emit exists yes
emit stat "$got"
emit_hex path "$p"
if [ -r "$p" ]; then emit readable yes; fi
if [ -w "$p" ]; then emit writeable yes; fi
if [ -x "$p" ]; then emit executable yes; fi
if [ -L "$p" ] && [ "$2" != 1 ]; then
	# The dot keeps newlines at the end of a name; readlink's own goes.
	to=$(readlink "$p" 2>/dev/null; echo .)
	emit_hex lnk_target "${to%??}"
	# Where nothing is there, busybox's answer is wrong; the module words it.
	if [ -e "$p" ]; then
		to=$(readlink -f "$p" 2>/dev/null && echo .)
		if [ -n "$to" ]; then emit_hex lnk_source "${to%??}"; fi
	fi
elif [ -n "$3" ] && [ -f "$p" ] && [ -r "$p" ]; then
	if sum=$("$3sum" <"$p" 2>/dev/null); then
		emit checksum "${sum%% *}"
	else
		emit msg "no checksum: $3sum can't read the file, or isn't on the host"
	fi
fi
