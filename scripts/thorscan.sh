#!/bin/sh
# thorscan.sh VERSION ARCH OUT: builds the scanner as one static file for
# linux/ARCH. libyara is C, so another architecture takes a cross compiler.
set -eu

version=$1
arch=$2
out=$3

cc=${CC:-gcc}
if [ "$arch" != "$(go env GOHOSTARCH)" ]; then
	case $arch in
	amd64) cc=x86_64-linux-gnu-gcc ;;
	arm64) cc=aarch64-linux-gnu-gcc ;;
	*)
		echo "error: thorscan is built for amd64 and arm64, not for $arch" >&2
		exit 1
		;;
	esac
	if ! command -v "$cc" >/dev/null; then
		echo "error: $cc is not installed, which compiles thorscan for linux/$arch" >&2
		exit 3
	fi
fi

CGO_ENABLED=1 GOOS=linux GOARCH=$arch CC=$cc go build -trimpath -tags netgo,osusergo \
	-ldflags "-s -w -X main.version=$version -linkmode external -extldflags \"-static\"" \
	-o "$out" ./cmd/thorscan
