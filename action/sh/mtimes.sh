# mtimes.sh DIR PATH…: when each path in DIR was changed last (stat's %Y), a
# word each; - where there is none.

cd -- "$1" || exit 1
shift
times=
for f; do times="$times $(stat -c %Y -- "$f" 2>/dev/null || printf -)"; done
emit times "$times"
