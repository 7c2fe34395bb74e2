#!/bin/sh
# setup.sh TARGET: sees to it that this machine has what `make TARGET` needs.
# As root it installs what is missing with apt-get; otherwise it prints the one
# line to run and exits 1. Where all is there it does nothing and needs no
# network. Nothing is started: the lab runs its own SSH servers.
set -eu

target=$1
missing=

# need PACKAGE PROBE...: PACKAGE is missing when the probe command fails.
need() {
	package=$1
	shift
	if ! "$@" >/dev/null 2>&1; then
		missing="$missing $package"
	fi
}

have() { command -v "$1"; }

# An administrator's programs aren't on everyone's PATH.
PATH=$PATH:/usr/sbin:/sbin
export PATH

if ! have go >/dev/null; then
	echo "error: Go is not installed" >&2
	echo "hint: install $(sed -n "s/^go /Go /p" go.mod) or newer, and put it on PATH" >&2
	exit 1
fi

case $(go env GOARCH) in
arm64) other=x86-64-linux-gnu other_libc=amd64 other_cc=x86_64-linux-gnu ;;
*) other=aarch64-linux-gnu other_libc=arm64 other_cc=aarch64-linux-gnu ;;
esac

# static_libc: gcc prints the full path of what it has, the bare name otherwise.
static_libc() { test -e "$(gcc -print-file-name=libc.a)"; }

compiler() {
	need gcc have gcc
	need libc6-dev static_libc
}
cross_compiler() {
	need "gcc-$other" have "$other_cc-gcc"
	need "libc6-dev-$other_libc-cross" test -e "/usr/$other_cc/lib/libc.a"
}
as_root() { test "$(id -u)" = 0; }

case $target in
build | fuzz)
	compiler
	;;
demo)
	compiler
	# Without root the lab's hosts are served by its embedded SSH server.
	if as_root; then need openssh-server have sshd; fi
	;;
pack)
	compiler
	cross_compiler
	;;
check)
	compiler
	need shellcheck have shellcheck
	;;
bench-sweep)
	compiler
	need openssh-server have sshd
	need openssh-client have ssh
	need ansible have ansible-playbook
	need findutils have xargs
	;;
test-oracle)
	compiler
	need openssh-server have sshd
	need openssh-client have ssh
	need sudo have sudo
	need opendoas have doas
	need csh have csh
	need fish have fish
	need rsync have rsync
	# ansible-core with the collections that have mount and synchronize.
	need ansible test -d /usr/lib/python3/dist-packages/ansible_collections/ansible/posix
	;;
bench-transport)
	compiler
	need openssh-server have sshd
	need openssh-client have sftp
	need rsync have rsync
	need tar have tar
	need findutils have xargs
	;;
test)
	compiler
	cross_compiler
	need openssh-server have sshd
	need openssh-client have ssh
	need busybox-static have busybox
	need dash have dash
	need shellcheck have shellcheck
	need sudo have sudo
	need opendoas have doas
	need csh have csh
	need fish have fish
	need tar have tar
	need zstd have zstd # what targets may have
	need procps have ps
	need util-linux have unshare
	need mount have mount
	need ansible-core have ansible # the inventories and vaults are read beside it
	need qemu-user-static sh -c 'command -v qemu-aarch64-static || command -v qemu-aarch64'
	;;
*)
	echo "error: setup.sh: unknown target $target" >&2
	exit 2
	;;
esac

test -n "$missing" || exit 0

if ! have apt-get >/dev/null; then
	echo "error: make $target needs what Debian calls:$missing" >&2
	exit 1
fi
if ! as_root; then
	echo "make $target needs packages that are not installed. Run this line, then make $target again:" >&2
	echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
	exit 1
fi

# openssh-server would start a server for everybody on port 22: a policy that
# says no is in place while packages are installed.
policy=/usr/sbin/policy-rc.d
if ! test -e "$policy"; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

install_missing() {
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing </dev/null
}

echo "make $target: installing$missing"
log=$(mktemp)
if ! install_missing >"$log" 2>&1; then
	# The package lists are missing or old.
	if ! { apt-get update -q </dev/null && install_missing; } >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		echo "error: could not install:$missing" >&2
		echo "hint: see what apt-get says above; once they are there, no network is needed" >&2
		exit 1
	fi
fi
rm -f "$log"
