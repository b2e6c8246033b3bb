# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# ./run bench: measures in two guests per kernel, one whose clock counts instructions and one with two
# processors, and compares (bench/). The first kind does not mind what else the machine does, so all kernels
# have theirs at once; the second kind has the machine to itself.

# bench_guest KERNEL PART ROUNDS OPTION...: one guest's figures, into build/bench/K.PART.tsv.
bench_guest() {
	local kernel=$1 part=$2 rounds=$3
	shift 3
	boot_exec "$kernel" "$top" /mnt/odp/bench/in-guest "/mnt/odp/build/bench/$kernel.$part.tsv" "$rounds" "$@" \
		</dev/null 2>&1 | sed -u "s/^/$kernel: /" >&2
}

# bench_report KERNEL QUICK OTHER: tables, JSON and plots of what the guests measured.
bench_report() {
	# shellcheck disable=SC2016 # for the inner shell
	in_root 'cd /mnt/odp && exec python3 bench/report.py --kernel "$1" --version "$2" ${3:+--quick} \
		${4:+--compare "$4"}' "$1" "$(image_kernel_version "$1")" "${2#0}" "$3" </dev/null
}

# bench_alone: a word on what else this machine does.
bench_alone() {
	local load
	load=$(cut -d ' ' -f 1 /proc/loadavg)
	[[ ${load%.*} == 0 ]] ||
		say "Something else runs on this machine (load $load): figures of two processors will be rough."
}

cmd_bench() {
	local quick=0 match=() other='' args=() series kernels=() status=0
	while (($#)); do
		case $1 in
		--quick) quick=1; shift ;;
		--compare) other=${2:?--compare needs a file}; shift 2 ;;
		--match) match=(--match "${2:?--match needs a regular expression}"); shift 2 ;;
		*) args+=("$1"); shift ;;
		esac
	done
	parse_options "${args[@]}"
	((${#rest[@]} == 0)) || die "bench takes no argument besides its options; ./run help shows how."
	[[ ! $other || -r $other ]] || die "$other cannot be read; give a JSON file of an earlier ./run bench."
	kernels_ready
	mkdir -p -- "$top/build/bench"
	[[ ! $other ]] || cp -- "$other" "$top/build/bench/other.json"
	((!quick)) || match+=(--quick)
	export ODP_TIMEOUT=${ODP_TIMEOUT:-14400}
	bench_alone

	guest_icount=1 guest_smp=1
	kernels_each 2 bench_guest one $((quick ? 1 : 3)) "${match[@]}"
	((!status)) || say "A guest did not come to its end: some rounds are missing."
	guest_icount=0 guest_smp=2
	kernels_each 1 bench_guest many $((quick ? 3 : 7)) --many "${match[@]}"
	for series in "${kernels[@]}"; do
		bench_report "$series" "$quick" "${other:+build/bench/other.json}" || status=$?
	done
	return "$status"
}
