#!/bin/bash
# check.sh: what the code must pass besides its tests. It runs everything and
# says at the end what failed.
set -u -o pipefail

failed=()

# step NAME COMMAND...: runs a check and remembers a failure.
step() {
	local name=$1 start=$SECONDS
	shift
	echo "== $name"
	if ! "$@"; then
		failed+=("$name")
	fi
	echo "   $((SECONDS - start)) s"
}

# tool NAME PACKAGE MODULE: builds a tool of tools/go.mod once for its version
# and prints where it is.
tool() {
	local name=$1 package=$2 module=$3 version out
	version=$(awk -v m="$module" '$1 == m { print $2 }' tools/go.mod)
	out=$PWD/bin/tools/$name-$version-$(go env GOVERSION)
	if [ ! -x "$out" ]; then
		echo "   building $name $version, once" >&2
		(cd tools && CGO_ENABLED=0 go build -o "$out" "$package") || return 1
	fi
	echo "$out"
}

# sources FIND-TEST...: the files of the project, each ended by a NUL.
sources() {
	find . -type f \( "$@" \) -not -path './.git/*' -not -path './bin/*' -not -path './dist/*' -print0
}

gofmt_all() {
	local bad
	bad=$(sources -name '*.go' | xargs -0 gofmt -l) || return 1
	if [ -n "$bad" ]; then
		printf 'not formatted (run gofmt -w):\n%s\n' "$bad"
		return 1
	fi
}

lint() {
	local bin
	bin=$(tool golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint github.com/golangci/golangci-lint/v2) || return 1
	"$bin" run ./...
}

# The remote halves in action/sh have no first line of their own: they run
# behind a prelude, under whatever sh a target has.
shell_scripts() {
	local file shell code=0
	while IFS= read -r -d '' file; do
		case $(head -n 1 "$file") in
		'#!'*bash*) shell=bash ;;
		*) shell='sh' ;;
		esac
		shellcheck --shell="$shell" --severity=style "$file" || code=1
	done < <(sources -name '*.sh' -o -path './.ci/run')
	return "$code"
}

vulnerabilities() {
	local bin out code=0
	bin=$(tool govulncheck golang.org/x/vuln/cmd/govulncheck golang.org/x/vuln) || return 1
	out=$("$bin" ./... 2>&1) || code=$?
	case $code in
	0) echo "   none known" ;;
	*)
		if [[ $out == *'fetching vulnerabilities'* ]]; then
			echo "   NOT CHECKED: the vulnerability data can't be reached from here"
			return 0
		fi
		echo "$out"
		return 1
		;;
	esac
}

step gofmt gofmt_all
step 'go vet' go vet ./...
step golangci-lint lint
step shellcheck shell_scripts
step govulncheck vulnerabilities

if [ "${#failed[@]}" -gt 0 ]; then
	printf 'check failed: %s\n' "$(IFS=,; echo "${failed[*]}")" >&2
	exit 1
fi
echo 'check passed'
