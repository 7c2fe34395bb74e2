package main

import (
	"runtime"
	"runtime/debug"
)

// version is the module's version as Go recorded it when it built the program,
// with the platform.
func version() string {
	v := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return v + " " + runtime.GOOS + "/" + runtime.GOARCH
}
