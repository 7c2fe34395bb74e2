//go:build !race

package inventory_test

const raced = false
