//go:build !race

package playbook

const raced = false
