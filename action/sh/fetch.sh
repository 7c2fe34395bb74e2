# shellcheck shell=sh
# fetch.sh SRC [DIGEST]…: one header line on standard output, then the file.
# The header's words: `file SIZE TOOL DIGEST MODE PATH` (PATH in hex), or `same …`
# without the file where its digest is one of those given, or `missing PATH`,
# `folder PATH`, `special PATH`, `unreadable PATH`.

src=$1
shift
hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }
# shellcheck disable=SC2088 # a ~ of the user's own text
case $src in
'~') src=$HOME ;;
'~/'*) src=$HOME/${src#??} ;;
'~'*)
	user=${src%%/*}
	while IFS=: read -r u _ _ _ _ h _; do
		if [ "~$u" = "$user" ]; then
			src=$h${src#"$user"}
			break
		fi
	done </etc/passwd
	;;
esac
case $src in /*) ;; *) src=$PWD/$src ;; esac
path=$(hex "$src")
answer() {
	printf '%s\n' "$*"
	exit 0
}
if [ -d "$src" ]; then answer folder "$path"; fi
if ! [ -e "$src" ]; then answer missing "$path"; fi
if ! [ -f "$src" ]; then answer special "$path"; fi
if ! [ -r "$src" ]; then answer unreadable "$path"; fi
size=$(wc -c <"$src" | tr -d ' ')
tool=none sum=-
for t in sha256sum sha1sum md5sum; do
	if command -v "$t" >/dev/null; then
		sum=$(head -c "$size" <"$src" | "$t") && sum=${sum%% *} && tool=$t
		break
	fi
done
mode=$(stat -L -c %a -- "$src" 2>/dev/null) || mode=-
for known; do
	if [ "$sum" = "$known" ]; then answer same "$size" "$tool" "$sum" "$mode" "$path"; fi
done
printf 'file %s %s %s %s %s\n' "$size" "$tool" "$sum" "$mode" "$path"
# A log may still grow: what was hashed is what is sent.
head -c "$size" <"$src"
