# script.sh NAME PROGRAM ARGS DIR: takes a script on standard input, runs it and
# removes it again, whatever happens. PROGRAM (may be empty) and ARGS are shell
# text of the user's, as Ansible has it. Where DIR is given, the script is in it
# already. Not a half: the module runs it as a command, so it has no emit.

d=$4
trap 'rm -rf "$d"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
if [ -z "$d" ]; then
	u=$(umask)
	umask 077
	d=$(mktemp -d "${TMPDIR:-/tmp}/thordeploy.XXXXXXXX") || exit 125
	cat >"$d/$1" || exit 125
	umask "$u"
fi
f=$d/$1
chmod 700 "$f" || exit 125
# In the background, since a shell runs its traps while it waits, but not
# while a program in the foreground runs.
eval "$2 \"\$f\" $3" </dev/null &
wait $!
