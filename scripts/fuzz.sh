#!/bin/bash
# fuzz.sh TIME: runs every fuzz target of the module for TIME, one after the
# other. The targets are found by listing, so a new one is run without a word.
set -eu -o pipefail

time=$1

targets=$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { name[++n] = $1 } /^ok/ { for (i = 1; i <= n; i++) print $2, name[i]; n = 0 }')
if [ -z "$targets" ]; then
	echo 'error: no fuzz target found' >&2
	exit 1
fi

failed=0
while read -r package name; do
	echo "== $package $name"
	go test -run '^$' -fuzz "^$name\$" -fuzzminimizetime 1s -fuzztime "$time" "$package" </dev/null || failed=1
done <<<"$targets"
exit "$failed"
