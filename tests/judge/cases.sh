# shellcheck shell=bash
# shellcheck disable=SC2034 # for who sources this
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# Small logs of ctest for the judges, and what a judge must make of them.

failed=0
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# log ENTRY LINE...: adds to the log what an entry of ctest printed.
log() {
	{
		printf '1/9 Testing: %s\n1/9 Test: %s\nOutput:\n' "$1" "$1"
		printf '%s\n' "${@:2}"
		printf '<end of output>\n'
	} >>"$work/log"
}

# cmocka GROUP TEST...: what cmocka prints of tests; a + before a name is one that passes, a - one that fails, and
# "NAME: REASON" one that is skipped.
cmocka() {
	local group=$1 test
	shift
	echo "[==========] $group: Running $# test(s)."
	for test; do
		case $test in
		+*) printf '[ RUN      ] %s\n[       OK ] %s\n' "${test#+}" "${test#+}" ;;
		-*) printf '[ RUN      ] %s\n[  FAILED  ] %s\n' "${test#-}" "${test#-}" ;;
		*)
			printf '[ RUN      ] %s\nskipped: %s\n' "${test%%: *}" "${test#*: }"
			printf '[  SKIPPED ] %s\n' "${test%%: *}"
			;;
		esac
	done
	echo "[==========] $group: $# test(s) run."
	echo "[  SKIPPED ] $group: 1 test(s), listed below:"
	for test; do
		[[ $test == [+-]* ]] || echo "[  SKIPPED ] ${test%%: *}"
	done
}

# expect WHAT STATUS LINE CMD...: CMD must end with that status, and LINE, if any, be a line that it prints.
expect() {
	local what=$1 status=$2 line=$3 got=0
	shift 3
	"$@" >"$work/said" 2>&1 || got=$?
	if ((got != status)) || { [[ $line ]] && ! grep -qxF -- "$line" "$work/said"; }; then
		echo "$what: status $got, not $status, or no line \"$line\":"
		sed 's/^/    /' "$work/said"
		failed=1
	fi
}
