package main

import (
	"runtime"
	"runtime/debug"
)

// version is set by the linker: -X main.version=….
var version string

// versionLine is the program's version, or where nobody set one the module's
// as Go recorded it, with the platform.
func versionLine() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); v == "" && ok {
		v = info.Main.Version
	}
	if v == "" {
		v = "(devel)"
	}
	return v + " " + runtime.GOOS + "/" + runtime.GOARCH
}
