# shellcheck shell=sh
# copy.sh DEST WHAT NAME FOLLOW RAM SUMS [KINDS PATH…]: looks at what is where a
# copy is to go, and reports; the controller, which has the files, decides.
#
# WHAT is `tree` (NAME: the folder's own name, empty for its contents; then the
# entries relative to it, ./…, and before them the letters of their kinds) or `file` (NAME: what it is called where
# DEST is a folder). RAM: a RAM drive of this play that holds DEST, or nothing.
# SUMS: yes where digests are wanted.
#
#   base        folder that entries are relative to (hex); base_state: there, empty, missing, other
#   tools       those of tar, gzip and zstd that are there, each with a blank; of a
#               tree also checkpoint, where tar is GNU's
#   top         the topmost folder that is missing on the way to base (hex)
#   kinds       a letter an entry: - missing, d, f, l (symlink), o (other)
#   at          of each that is not missing: mode uid gid owner group size, and a tab
#   sum         of each f, made with `tool`, and a tab
#   link        of each l that is to be a symlink: its target
#   fs          type (hex), free blocks, block size of the filesystem; mem, used: kB

dest=$1 what=$2 name=$3 follow=$4 ram=$5 sums=$6
shift 6

slash=
case $dest in */) slash=1 ;; esac
# shellcheck disable=SC2088 # a ~ of the user's own text
case $dest in
'~') dest=$HOME ;;
'~/'*) dest=$HOME/${dest#??} ;;
'~'*)
	user=${dest%%/*}
	while IFS=: read -r u _ _ _ _ h _; do
		if [ "~$u" = "$user" ]; then
			dest=$h${dest#"$user"}
			break
		fi
	done </etc/passwd
	;;
esac
case $dest in /*) ;; *) dest=$PWD/$dest ;; esac
while :; do
	case $dest in
	?*/) dest=${dest%/} ;;
	*) break ;;
	esac
done

base=$dest
if [ "$what" = file ]; then
	if [ -n "$slash" ] || [ -d "$dest" ]; then
		emit inside 1
	else
		name=${dest##*/}
		base=${dest%/*}
		base=${base:-/}
	fi
	if [ "$follow" = yes ] && [ -L "${base%/}/$name" ] && to=$(readlink -f "${base%/}/$name"); then
		name=${to##*/}
		base=${to%/*}
		base=${base:-/}
	fi
	emit_hex name "$name"
	set -- f "./$name"
elif [ -n "$name" ]; then
	base=${dest%/}/$name
fi
emit_hex base "$base"
emit umask "$(umask)"
tools=
for tool in tar gzip zstd; do
	if command -v $tool >/dev/null; then tools="$tools$tool "; fi
done
if [ "$what" = tree ]; then
	case $(tar --version 2>/dev/null) in *'GNU tar'*) tools="${tools}checkpoint " ;; esac
fi
emit tools "$tools"

# The filesystem is that of the nearest folder that is there.
there=$base top=
while ! [ -d "$there" ]; do
	if [ -e "$there" ] || [ -L "$there" ]; then
		emit_hex obstacle "$there"
		emit base_state other
		exit 0
	fi
	top=$there
	there=${there%/*}
	there=${there:-/}
done
[ -z "$top" ] || emit_hex top "$top"
if fs=$(stat -f -c '%t %a %S' -- "$there" 2>/dev/null); then
	emit fs "$fs"
else
	df -Pk -- "$there" 2>/dev/null | {
		read -r _
		read -r _ _ _ free _ && emit fs "- $free 1024"
	}
fi
case $fs in
858458f6* | 1021994*)
	while read -r key kb _; do
		case $key in MemAvailable:)
			emit mem "$kb"
			break
			;;
		esac
	done </proc/meminfo
	[ -z "$ram" ] || emit used "$(du -skx -- "$ram" 2>/dev/null)"
	;;
esac
if [ "$there" != "$base" ]; then
	emit base_state missing
	exit 0
fi
state=empty
for f in "${base%/}"/* "${base%/}"/.[!.]* "${base%/}"/..?*; do
	if [ -e "$f" ] || [ -L "$f" ]; then
		state=there
		break
	fi
done
emit base_state $state
[ $state = there ] || exit 0

cd -- "$base" || exit 1
wanted=$1 kinds='' odd=
shift
for f; do
	rest=${wanted#?}
	want=${wanted%"$rest"}
	wanted=$rest
	# Names that some tools escape and others don't.
	# shellcheck disable=SC2154 # N is a newline
	case $f in *\\* | *"$N"*) odd=1 ;; esac
	if [ -L "$f" ] && ! { [ "$want" = d ] && [ -d "$f" ]; }; then
		kinds=${kinds}l
		if [ "$want" = l ]; then
			to=$(readlink "$f")
			case $to in
			*"$N"*) emit_hex link "$to" ;;
			*) emit link "$to" ;;
			esac
		fi
	elif [ -d "$f" ]; then
		kinds=${kinds}d
	elif [ -f "$f" ]; then
		kinds=${kinds}f
	elif [ -e "$f" ]; then
		kinds=${kinds}o
	else
		kinds=${kinds}-
	fi
done
emit kinds "$kinds"
case $kinds in *[!-]*) ;; *) exit 0 ;; esac
# Where all is there, or not, or a folder, each tool is called once, and what
# it says comes in the order of the arguments.
emit at "$(stat -c '%a %u %g %U %G %s' -- "$@" 2>/dev/null | tr '\n' '\t')"
[ "$sums" = yes ] || exit 0
case $kinds in
*f*) ;;
*) exit 0 ;;
esac
case $kinds in *[!df-]*) odd=1 ;; esac
for tool in sha256sum sha1sum md5sum ''; do
	if [ -n "$tool" ] && command -v "$tool" >/dev/null; then break; fi
done
[ -n "$tool" ] || exit 0
emit tool "$tool"
emit sum "$(
	if [ -n "$odd" ]; then
		for f; do
			if [ -f "$f" ] && ! [ -L "$f" ]; then "$tool" <"$f"; fi
		done
	else
		"$tool" -- "$@"
	fi 2>/dev/null | cut -d ' ' -f 1 | tr '\n' '\t'
)"
exit 0
