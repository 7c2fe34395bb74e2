# shellcheck shell=sh
# loop.sh: runs tasks, one after the other, as the guard passes them on: each
# line is a call of `half`, `learn`, `run`, `stream` or `block` with quoted words. What a task
# prints goes to the channel as it is; `end` closes it on both streams, so that
# each can be read to its end. Set before it: Z (nonce), N (a newline).
# Descriptor 4 is the channel's standard error, which a task gets as its own;
# the loop's own goes nowhere, for shells remark on a child that a signal ended.

emit() { printf '\n%s = %s %s\n' "$Z" "$1" "$2"; }
# Most values are one line and go as they are: od and tr are two programs to
# start. What a frame can't hold is a newline.
emit_hex() {
	case $2 in
	*"$N"*) ;;
	*)
		emit "$1" "$2"
		return 0
		;;
	esac
	_hex=$(printf %s "$2" | od -An -v -tx1 | tr -d ' \n')
	printf '\n%s x %s %s\n' "$Z" "$1" "$_hex"
}
end() {
	printf '\n%s end %s\n' "$Z" "$1"
	printf '\n%s end %s\n' "$Z" "$1" >&4
}

# block BYTES: as many bytes follow and hold lines as above, up to a line #end.
# One that was cut off must not run: it may look like another command.
block() {
	b=$(head -c "$1")
	case $b in *"$N#end") ;; *) exit ;; esac
	printf '\n%s taken\n' "$Z"
	eval "$b"
}

# learn NAME TEXT keeps a remote half for the session.
learn() { eval "half_$1=\$2"; }

# half NAME ARGS…
half() {
	_half=$1
	shift
	(eval "eval \"\$half_$_half\"") </dev/null 2>&4
	end $?
}

# stream LINE: a command line with standard input of its own, where the host
# gives it no channel of its own. What it leaves unread is read here, for the
# sender waits for each block to be taken; `done` tells it to send no more. What
# is left of a block when the task is ended must not be taken for requests: all
# up to the guard's mark is skipped.
stream() {
	feed | {
		(eval "$1") 2>&4 3>&- 4>&-
		_s=$?
		mark 'done'
		cat >/dev/null
		exit $_s
	}
	_s=$?
	while IFS= read -r _l; do
		case $_l in "#over $Z") break ;; esac
	done
	end $_s
}
# mark WORD: a frame in the midst of what a stream's command prints. One line is
# one write; bash makes two of two, and the command's may come between.
mark() { printf '%s~%s\n' "$Z" "$1" >&3; }
# feed: hands on the blocks that the guard passes, each after a line with its
# length, up to the length 0. Other lines are heartbeats.
feed() {
	while IFS= read -r _n; do
		case $_n in
		0) return 0 ;;
		[1-9]*)
			head -c "$_n"
			mark taken
			;;
		esac
	done
}

# home PATH: sets `path` to PATH with a leading ~ as the account's home.
home() {
	path=$1
	# shellcheck disable=SC2088 # a leading ~ of the user's text
	case $path in
	'~') path=$HOME ;;
	'~/'*) path=$HOME/${path#??} ;;
	esac
}

# hit PATTERN: does anything match? Globbing without splitting.
hit() {
	home "$1"
	IFS=
	for _f in $path; do
		if [ -e "$_f" ] || [ -L "$_f" ]; then return 0; fi
	done
	return 1
}

# machine FILE: sets `elf` to the machine of an ELF file as uname -m says it,
# to nothing where it is no ELF file or one of another kind. The shell would
# run a foreign program as if it were a script. read drops the NULs: what is
# left of the header is class, data, version, maybe the ABI, type, machine.
machine() {
	elf=
	{ IFS= read -r _l <"$1"; } 2>/dev/null
	case $_l in
	"$ELF"*) ;;
	*) return 0 ;;
	esac
	_l=${_l#"$ELF"}
	case $_l in
	"$X86"* | ?"$X86"* | ??"$X86"*) elf=x86_64 ;;
	"$ARM"* | ?"$ARM"* | ??"$ARM"*) elf=aarch64 ;;
	*) elf=other ;;
	esac
}

refuse() {
	emit refused "$1"
	emit_hex path "$2"
	exit "$3"
}

# check_program PROGRAM: says in words why it can't be run, before the shell
# says it in its own.
check_program() {
	case $1 in
	*/*) ;;
	*)
		command -v "$1" >/dev/null 2>&1 || refuse missing "$1" 127
		return 0
		;;
	esac
	if [ -d "$1" ]; then refuse folder "$1" 126; fi
	[ -e "$1" ] || refuse missing "$1" 127
	[ -x "$1" ] || refuse noexec "$1" 126
	case $M in x86_64 | aarch64) ;; *) return 0 ;; esac
	machine "$1"
	[ -z "$elf" ] || [ "$elf" = "$M" ] || refuse "machine $elf $M" "$1" 126
}

# run DIR UMASK CREATES REMOVES INPUT HASINPUT COUNT ENV… WORDS…
run() {
	[ -n "$M" ] || M=$(uname -m)
	if [ "$6" = 1 ]; then
		printf %s "$5" | (words "$@") 2>&4
	else
		(words "$@") </dev/null 2>&4
	fi
	end $?
}
words() {
	home "$1"
	[ -z "$1" ] || cd "$path" 2>/dev/null || refuse chdir "$1" 1
	[ -z "$2" ] || umask "$2"
	if [ -n "$3" ] && (hit "$3"); then
		emit skipped creates
		exit 0
	fi
	if [ -n "$4" ] && ! (hit "$4"); then
		emit skipped removes
		exit 0
	fi
	shift 6
	_n=$1
	shift
	while [ "$_n" -gt 0 ]; do
		export "${1?}"
		shift
		_n=$((_n - 1))
	done
	check_program "$1"
	exec "$@" 3>&- 4>&-
}

loop() {
	exec 2>/dev/null
	M=
	ELF=$(printf '\177ELF\002\001\001')
	X86=$(printf '>')
	ARM=$(printf '\267')
	emit hello 1
	while IFS= read -r r; do
		eval "$r"
	done
}
