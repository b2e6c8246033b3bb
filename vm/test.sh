# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# ./run test: ctest in a guest for each kernel, at the same time, and what came of it. Kernels with checkers
# leave out tests with the label slow, which would take them past an hour and prove nothing about the kernel
# that others do not; --full brings them back.

# The requirements that tests prove; the others are for later.
requirements='R1 R2 R3 R4 R5 R6 R7 R8 R9 R10 R11 R12 R13 R14 R15 R16 R17 R18 R19 R20 R21 R22'

# test_kernel KERNEL [CTEST ARGUMENT...]: one guest's tests, each line marked with its kernel.
test_kernel() {
	local kernel=$1 log=$top/build/logs/test-$1.log
	shift
	coverage_forget "$kernel"
	if [[ $guest_checked && ! ${ODP_FULL-} ]]; then
		set -- -LE '^slow$' "$@"
	fi
	boot_exec "$kernel" "$top" ctest --test-dir "/mnt/odp/build/$kernel" \
		--output-on-failure --no-tests=error "$@" 2>&1 |
		tee "$log" | sed -u "s/^/$kernel: /"
}

# test_summary KERNEL: what ctest said last, and, for a run of all tests, what they prove.
test_summary() {
	local kernel=$1 all=$2 status=0
	say "Linux $(image_kernel_version "$kernel"), all of it in build/logs/test-$kernel.log:"
	sed -n '/% tests passed/,$p; /^No tests were found/p' "$top/build/logs/test-$kernel.log"
	if ((all)); then
		awk -v wanted="$requirements" -f "$top/vm/requirements.awk" \
			"$top/build/$kernel/Testing/Temporary/LastTest.log" || status=1
		if [[ $guest_checked == debug ]]; then
			coverage_show "$kernel" || status=1
		fi
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

# kernels_each FUNCTION [ARG...]: FUNCTION KERNEL ARG... for all of `kernels`, two at the same time; puts into
# `status` how one ended that failed. To be told by its own status would take errexit from FUNCTION.
kernels_each() {
	local kernel jobs=() i
	# Jobs in the background do not hear of ctrl-c.
	trap 'kill "${jobs[@]}" 2>/dev/null; exit 130' INT
	trap 'kill "${jobs[@]}" 2>/dev/null; exit 143' TERM HUP
	for kernel in "${kernels[@]}"; do
		if ((${#jobs[@]} == 2)); then
			wait "${jobs[0]}" || status=$?
			jobs=("${jobs[1]}")
		fi
		"$1" "$kernel" "${@:2}" </dev/null &
		jobs+=($!)
	done
	for i in "${!jobs[@]}"; do
		wait "${jobs[i]}" || status=$?
	done
}

cmd_test() {
	parse_options "$@"
	local series kernels=() filter=() status=0
	if ((${#rest[@]})); then
		filter=(-R "$(IFS='|'; echo "${rest[*]}")")
	fi
	kernels_ready
	kernels_each test_kernel "${filter[@]}"
	if [[ $guest_checked && ! ${ODP_FULL-} ]]; then
		say "Without --full, tests with the label slow are left out."
	fi
	for series in "${kernels[@]}"; do
		test_summary "$series" $((${#filter[@]} == 0)) || status=1
	done
	if ((status)); then
		say "Something failed (status $status)."
	fi
	return "$status"
}
