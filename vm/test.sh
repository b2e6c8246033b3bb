# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# ./run test: ctest in a guest for each kernel, at the same time, and what came of it. Kernels with checkers
# leave out tests with the label slow, which would take them past an hour and prove nothing about the kernel
# that others do not; --full brings them back, and on all kernels those of the configuration full. With it, all tests end
# with the programs of others (vm/programs.sh).

# test_log KERNEL: where ctest writes what all tests printed.
test_log() {
	printf '%s' "$top/build/$1/Testing/Temporary/LastTest.log"
}

# test_log_whole KERNEL LOG: does it have as many tests as ctest says it ran? A ctest that is killed leaves none, and
# one that is started in the midst of another one loses what was there.
test_log_whole() {
	local ran
	ran=$(sed -n 's/.*% tests passed.* out of \([0-9]*\)$/\1/p' "$top/build/logs/test-$1.log")
	[[ -e $2 && $ran ]] && (($(grep -ac '^[0-9]*/[0-9]* Testing: ' "$2") == ran))
}

# some_left_out: are tests left out that nobody asked to leave out?
some_left_out() {
	[[ $guest_checked && ! ${ODP_FULL-} ]]
}

# test_kernel KERNEL [CTEST ARGUMENT...]: one guest's tests, each line marked with its kernel.
test_kernel() {
	local kernel=$1 log=$top/build/logs/test-$1.log
	shift
	coverage_forget "$kernel"
	rm -f -- "$(test_log "$kernel")"
	if some_left_out; then
		set -- -LE '^slow$' "$@"
	fi
	boot_exec "$kernel" "$top" ctest --test-dir "/mnt/odp/build/$kernel" ${ODP_FULL:+-C full} \
		--output-on-failure --no-tests=error "$@" 2>&1 |
		tee "$log" | sed -u "s/^/$kernel: /"
}

# test_judge KERNEL ALL: what was skipped, and, for a run of all tests, what they prove; fails if a skip is not
# in tests/skips, or a requirement has no test.
test_judge() {
	local kernel=$1 all=$2 complete=$2 status=0 log
	log=$(test_log "$kernel")
	test_log_whole "$kernel" "$log" || { say "ctest left no log of all tests on $kernel."; return 1; }
	if some_left_out; then
		complete=0
	fi
	awk -v kernel="$kernel" -v whole="$all" -v complete="$complete" \
		-f "$top/vm/skips.awk" "$top/tests/skips" "$log" || status=1
	if ((all)); then
		awk -f "$top/vm/requirements.awk" "$top/doc/requirements.md" "$log" || status=1
	fi
	return "$status"
}

# test_failures KERNEL: how what failed ended, if ctest left a log.
test_failures() {
	local log
	log=$(test_log "$1")
	[[ ! -e $log ]] || awk -v kernel="$1" -v lines=30 -f "$top/vm/failures.awk" "$log"
}

# test_summary KERNEL ALL: what ctest said last, and what came of it.
test_summary() {
	local kernel=$1 all=$2 status=0
	say "Linux $(image_kernel_version "$kernel"), all of it in build/logs/test-$kernel.log:"
	sed -n '/% tests passed/,$p; /^No tests were found/p' "$top/build/logs/test-$kernel.log"
	test_failures "$kernel"
	test_judge "$kernel" "$all" || status=1
	if ((all)) && [[ $guest_checked == debug ]]; then
		coverage_show "$kernel" || status=1
	fi
	return "$status"
}

# test_series: Debian 13's own series and the newest supported one; those that are gone are named.
test_series() {
	local series
	for series in $(image_gone); do
		say "The mirror no longer offers Linux $series: passed over."
	done
	printf '%s\n' "$ODP_STABLE" "$(image_newest)" | sort -uV
}

# kernels_ready: puts into `kernels` those that the options ask for, each ready to be booted.
kernels_ready() {
	local series
	guest_ready
	for series in ${guest_kernel:-$(test_series)}; do
		kernels+=("$(kernel_name "$series")")
		prepare "${kernels[-1]}"
	done
}

# kernels_each N FUNCTION [ARG...]: FUNCTION KERNEL ARG... for all of `kernels`, N at the same time; puts into
# `status` how one ended that failed. To be told by its own status would take errexit from FUNCTION.
kernels_each() {
	local at_once=$1 function=$2 kernel jobs=() i
	shift 2
	# Jobs in the background do not hear of ctrl-c, and what a job waits for does not hear of what ends the job:
	# each is a group of processes.
	trap 'kill -- "${jobs[@]/#/-}" 2>/dev/null; exit 130' INT
	trap 'kill -- "${jobs[@]/#/-}" 2>/dev/null; exit 143' TERM HUP
	for kernel in "${kernels[@]}"; do
		if ((${#jobs[@]} == at_once)); then
			wait "${jobs[0]}" || status=$?
			jobs=("${jobs[@]:1}")
		fi
		set -m
		"$function" "$kernel" "$@" </dev/null &
		set +m
		jobs+=($!)
	done
	for i in "${!jobs[@]}"; do
		wait "${jobs[i]}" || status=$?
	done
}

# test_hooks: of a run of all tests on all kernels that it has, do the hooks fit the other series of the mirror?
test_hooks() {
	local series
	for series in $(image_sources); do
		[[ " ${kernels[*]} " == *" $series "* ]] || hooks_series "$series" || status=1
	done
}

cmd_test() {
	parse_options "$@"
	local series kernels=() filter=() status=0
	if [[ ${rest[0]-} == two-hosts ]]; then
		cmd_two_hosts "${rest[@]:1}"
		return
	fi
	if ((${#rest[@]})); then
		filter=(-R "$(IFS='|'; echo "${rest[*]}")")
	fi
	kernels_ready
	if ! ((${#filter[@]})) && [[ ! $guest_kernel$guest_checked ]]; then
		test_hooks
	fi
	kernels_each 2 test_kernel "${filter[@]}"
	if some_left_out; then
		say "Without --full, tests with the label slow are left out."
	fi
	for series in "${kernels[@]}"; do
		test_summary "$series" $((${#filter[@]} == 0)) || status=1
	done
	if [[ ${ODP_FULL-} && ! $guest_checked ]] && ((${#filter[@]} == 0 && !guest_stock)); then
		programs_all
	fi
	((!status)) || say "Something failed (status $status)."
	return "$status"
}
