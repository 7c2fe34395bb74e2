#!/bin/sh
case $1 in
--list) cat <<'X'
{"scripted": {"hosts": ["host01"], "vars": {"of_group": [1, "x"]}},
 "parent": {"children": ["scripted"]},
 "_meta": {"hostvars": {"host01": {"from_meta": {"a": true}}}}}
X
;;
esac
