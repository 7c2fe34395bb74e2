# shellcheck shell=sh
# get_url.sh DEST NAME ALGORITHM: looks at what is where a download is to go
# (in a folder: NAME), and with which program the host can fetch it.
#
#   dest      the file (hex); inside: dest named a folder; state: file, missing, other, nofolder
#   at, sum   of a file: what it is, and its digest
#   tool      curl, wget (GNU's) or busybox; nothing where there is none

dest=$1
# shellcheck disable=SC2088 # a ~ of the user's own text
case $dest in
'~') dest=$HOME ;;
'~/'*) dest=$HOME/${dest#??} ;;
esac
case $dest in /*) ;; *) dest=$PWD/$dest ;; esac
case $dest in
*/) inside=1 ;;
*) if [ -d "$dest" ]; then inside=1; else inside=; fi ;;
esac
if [ -n "$inside" ]; then
	emit inside 1
	while :; do
		case $dest in
		?*/) dest=${dest%/} ;;
		*) break ;;
		esac
	done
	dest=${dest%/}/$2
fi
emit_hex dest "$dest"
emit umask "$(umask)"
if [ -f "$dest" ]; then
	emit state file
	emit at "$(stat -L -c '%a %u %g %U %G %s' -- "$dest")"
	if sum=$("${3}sum" <"$dest" 2>/dev/null); then emit sum "${sum%% *}"; fi
elif [ -e "$dest" ]; then
	emit state other
elif [ -d "${dest%/*}/" ]; then
	emit state missing
else
	emit state nofolder
fi
if command -v curl >/dev/null; then
	emit tool curl
elif command -v wget >/dev/null; then
	case $(wget --version 2>&1) in
	*'GNU Wget'*) emit tool wget ;;
	*) emit tool busybox ;;
	esac
fi
exit 0
