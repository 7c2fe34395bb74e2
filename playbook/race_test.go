//go:build race

package playbook

const raced = true // the race detector slows loading about twenty times
