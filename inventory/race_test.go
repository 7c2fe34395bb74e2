//go:build race

package inventory_test

const raced = true // the race detector slows loading about twenty times
