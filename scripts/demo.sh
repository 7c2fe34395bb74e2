#!/bin/bash
# demo.sh: the main job from end to end, on five hosts of the lab: plants
# harmless samples on three of them, sweeps all with the built-in playbook, and
# shows what was found and where the reports are. Needs `make build` and a pack.
set -eu -o pipefail

dir=$PWD/dist/demo
lab=$dir/lab
reports=$dir/reports
rm -rf "$dir"
mkdir -p "$dir"

: >"$dir/lab.log"
bin/thorlab -n 5 -d "$lab" >"$dir/lab.log" 2>&1 </dev/null &
lab_pid=$!
end_lab() {
	if kill -INT "$lab_pid" 2>/dev/null; then
		wait "$lab_pid" 2>/dev/null || true
	fi
}
trap end_lab EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The lab says what it brought up once every host answers.
for ((i = 0; i < 600; i++)); do
	if grep -q '^Interrupt' "$dir/lab.log"; then break; fi
	if ! kill -0 "$lab_pid" 2>/dev/null; then
		cat "$dir/lab.log" >&2
		echo "error: the lab ended before it was up" >&2
		exit 1
	fi
	sleep 0.1
done
if ! grep -q '^Interrupt' "$dir/lab.log"; then
	echo "error: the lab isn't up after 60 s; its output is in $dir/lab.log" >&2
	exit 1
fi
head -n 1 "$dir/lab.log"

if ! bin/thordeploy -i "$lab/hosts.yml" scripts/demo/plant.yml >"$dir/plant.log" 2>&1; then
	cat "$dir/plant.log" >&2
	exit 1
fi
echo "planted harmless samples on host02, host04 and host05"
echo
echo "\$ thordeploy -f 20 -i hosts.yml builtin:thor.yml"
bin/thordeploy -f 20 -i "$lab/hosts.yml" builtin:thor.yml \
	-e "{\"pack\": \"$PWD/dist/pack\", \"reports\": \"$reports\", \"scan_flags\": \"-p /root -p /tmp\"}"

echo
echo "Findings by host:"
for report in "$reports"/*/thor.txt; do
	host=$(basename "$(dirname "$report")")
	# EXTENSION is there only where the file has one.
	sed -n -E 's/ EXTENSION: [^ ]* TYPE: / TYPE: /
		s/^.* THOR: (Alert|Warning|Notice): .* FILE: (.*) TYPE: .* SCORE: ([0-9]+) .* REASON_1: (.*) SUBSCORE_1: .*$/\1 \3 \2\n    \4/p' "$report" |
		awk -v host="$host" '{ print (/^ / ? "      " : "  " host "  ") $0; n++ } END { if (!n) print "  " host "  nothing" }'
done
echo
echo "Reports: $reports"
