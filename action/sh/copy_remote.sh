# shellcheck shell=sh
# copy_remote.sh SRC DEST MODE OWNER DIRMODE FORCE BACKUP CHECK FOLLOW [WORD]…:
# copies what is on the host already. SRC/ is a folder's contents. MODE: octal,
# symbolic, `preserve` or nothing. WORD…: the command that a file must please.

src=$1 dest=$2 mode=$3 owner=$4 dirmode=$5 force=$6 backup=$7 check=$8 follow=$9
shift 9
changed=no temp=
tree=no # yes: a file that is new gets the mode of its source

no() {
	[ -z "$temp" ] || rm -f -- "$temp"
	emit failed 1
	emit changed "$changed"
	emit_hex msg "$1"
	exit 3
}
# shellcheck disable=SC2088
case $src in '~/'*) src=$HOME/${src#??} ;; esac
# shellcheck disable=SC2088
case $dest in '~/'*) dest=$HOME/${dest#??} ;; esac
case $src in /*) ;; *) src=$PWD/$src ;; esac
case $dest in /*) ;; *) dest=$PWD/$dest ;; esac

valid() {
	valid_file=$1
	shift
	left=$#
	while [ "$left" -gt 0 ]; do
		word=$1
		shift
		left=$((left - 1))
		case $word in *%s*) word=${word%%%s*}$valid_file${word#*%s} ;; esac
		set -- "$@" "$word"
	done
	err=$("$@" 2>&1 </dev/null) || no "failed to validate: $err"
}

# attrs PATH SOURCE: brings mode and owner to what is asked for.
attrs() {
	if [ -L "$1" ]; then return 0; fi
	was=$(stat -c '%a %u %g' -- "$1")
	if [ -n "$owner" ]; then err=$(chown -- "$owner" "$1" 2>&1) || no "$err"; fi
	case $mode in
	'') ;;
	preserve) chmod "0$(stat -L -c %a -- "$2")" "$1" ;;
	*) err=$(chmod -- "$mode" "$1" 2>&1) || no "$err" ;;
	esac
	[ "$was" = "$(stat -c '%a %u %g' -- "$1")" ] || changed=yes
}

# one SOURCE TARGET WORD…: a regular file.
one() {
	one_from=$1 one_to=$2
	shift 2
	if [ "$follow" = yes ] && [ -L "$one_to" ]; then one_to=$(readlink -f "$one_to"); fi
	if [ -d "$one_to" ] && ! [ -L "$one_to" ]; then no "$one_to is a folder, a file is to go there"; fi
	if [ -e "$one_to" ] || [ -L "$one_to" ]; then
		[ "$force" = yes ] || return 0
		if ! [ -L "$one_to" ] && cmp -s -- "$one_from" "$one_to"; then
			[ "$check" = yes ] || attrs "$one_to" "$one_from"
			return 0
		fi
	fi
	changed=yes
	[ "$check" != yes ] || return 0
	temp=$(mktemp "${one_to%/*}/.copy.XXXXXX" 2>&1) || no "$temp"
	err=$(cat <"$one_from" 2>&1 >"$temp") || no "copying $one_from: $err"
	if [ -f "$one_to" ] && ! [ -L "$one_to" ]; then
		chmod "0$(stat -c %a -- "$one_to")" "$temp"
		if [ "$backup" = yes ]; then
			saved=$one_to.$$.$(date '+%Y-%m-%d@%H:%M:%S')~
			cp -p -- "$one_to" "$saved" && emit_hex backup "$saved"
		fi
	elif [ "$tree" = yes ]; then
		chmod "0$(stat -c %a -- "$one_from")" "$temp"
	else
		chmod "$(printf '%o' $((0666 & ~0$(umask))))" "$temp"
	fi
	attrs "$temp" "$one_from"
	[ $# -eq 0 ] || valid "$temp" "$@"
	if [ -L "$one_to" ]; then rm -f -- "$one_to"; fi
	err=$(mv -f -- "$temp" "$one_to" 2>&1) || no "$err"
	temp=
}

# folder SOURCE TARGET WORD…: globs, not find, so that any name survives. Every
# level is a subshell, which keeps its own variables.
folder() {
	if ! [ -d "$2" ]; then
		if [ -e "$2" ] || [ -L "$2" ]; then no "$2 is not a folder, a folder is to go there"; fi
		changed=yes
		if [ "$check" = yes ]; then return 0; fi
		err=$(mkdir -p -- "$2" 2>&1) || no "$err"
		[ -z "$dirmode" ] || chmod -- "$dirmode" "$2"
		[ -z "$owner" ] || chown -- "$owner" "$2"
	fi
	folder_from=$1 folder_to=$2
	shift 2
	for f in "$folder_from"/* "$folder_from"/.[!.]* "$folder_from"/..?*; do
		if ! [ -e "$f" ] && ! [ -L "$f" ]; then continue; fi
		if [ -L "$f" ]; then
			to=$(readlink "$f")
			if [ "$(readlink "$folder_to/${f##*/}")" != "$to" ]; then
				changed=yes
				[ "$check" = yes ] || ln -sfn -- "$to" "$folder_to/${f##*/}" || no "linking $f"
			fi
		elif [ -d "$f" ]; then
			(
				folder "$f" "$folder_to/${f##*/}" "$@"
				[ "$changed" = no ]
			)
			case $? in
			0) ;;
			1) changed=yes ;;
			*) exit 3 ;;
			esac
		else
			one "$f" "$folder_to/${f##*/}" "$@"
		fi
	done
}

if [ -d "$src" ]; then
	case $src in
	*/) ;;
	*) dest=${dest%/}/${src##*/} ;;
	esac
	src=${src%/} dest=${dest%/} tree=yes
	folder "$src" "$dest" "$@"
elif [ -f "$src" ]; then
	case $dest in */) [ -d "$dest" ] || [ "$check" = yes ] || mkdir -p -- "$dest" || no "making $dest" ;; esac
	case $dest in
	*/) dest=$dest${src##*/} ;;
	*) if [ -d "$dest" ]; then dest=$dest/${src##*/}; fi ;;
	esac
	if ! [ -d "${dest%/*}/" ] && [ "$check" != yes ]; then no "the destination folder ${dest%/*} does not exist"; fi
	one "$src" "$dest" "$@"
else
	no "the source $src is not on the host"
fi
emit changed "$changed"
emit_hex src "$src"
emit_hex dest "$dest"
[ -d "$dest" ] && emit state directory
[ -e "$dest" ] && emit at "$(stat -c '%a %u %g %U %G %s' -- "$dest")"
exit 0
