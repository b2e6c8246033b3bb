# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# ./run programs: programs that nobody here wrote (tests/programs/list.sh), pinned on the distribution's rxe and on
# ours, and on demand by their own switch and by force; a table of what came of it, build/programs/KERNEL.md. With
# --bandwidth, those that report one (tests/programs/bandwidth.sh), forced beside pinned: KERNEL-bandwidth.md.

# Of the bandwidth with pinned memory, forced on demand must reach so much; in so many rounds. The guest's clock counts
# instructions then: whatever else the machine does, the figures repeat.
programs_goal=0.95
programs_rounds=3
# What the names of its results end in.
programs_of=''

# programs_build: those that are not packaged.
programs_build() {
	step "Building programs that Debian has no package of" "$top/build/logs/build-programs.log" \
		in_root "exec /mnt/odp/vm/guest/build-programs" ||
		die "The build failed; all of its output is in build/logs/build-programs.log."
}

# programs_kernel KERNEL [OPTION...]: options of tests/programs/try.
programs_kernel() {
	local kernel=$1 log=$top/build/logs/programs-$1.log
	shift
	rm -f -- "$top/build/programs/$kernel$programs_of.tsv"
	boot_exec "$kernel" "$top" /mnt/odp/tests/programs/try "$@" "/mnt/odp/build/programs/$kernel$programs_of.tsv" 2>&1 |
		tee "$log" | sed -u "s/^/$kernel: /"
}

# programs_show NAME KERNEL AWK [ARG...]: the table that tests/programs/AWK.awk makes of what was found; fails as that does.
programs_show() {
	local results=$top/build/programs/$1.tsv status=0
	say "Linux $(image_kernel_version "$2"), also in build/programs/$1.md:"
	[[ -e $results ]] || { say "There are no results."; return 1; }
	awk "${@:4}" -f "$top/tests/programs/$3.awk" "$results" >"${results%.tsv}.md" || status=1
	cat -- "${results%.tsv}.md"
	return "$status"
}

# programs_table NAME KERNEL [ANEW]: fails if something fails that passes in the first column, or if more than ANEW times
# as many packets were sent anew as there.
programs_table() {
	programs_show "$1" "$2" table -v limit="${3-}"
}

# programs_bandwidth KERNEL: fails if that is too little.
programs_bandwidth() {
	programs_show "$1-bandwidth" "$1" bandwidth -v goal="$programs_goal"
}

# programs_all [OPTION...]: all of it on all of `kernels`, with options of tests/programs/try; puts 1 into `status` if
# anything fails that shall pass.
programs_all() {
	local kernel
	mkdir -p -- "$top/build/programs"
	programs_build
	kernels_each 2 programs_kernel "$@"
	for kernel in "${kernels[@]}"; do
		if [[ $programs_of ]]; then
			programs_bandwidth "$kernel" || status=1
		else
			programs_table "$kernel" "$kernel" || status=1
		fi
	done
}

cmd_programs() {
	local options=() args=() kernels=() status=0
	while (($#)); do
		case $1 in
		--match)
			(($# > 1)) || die "--match needs a regular expression; ./run help shows how."
			options+=(--match "$2")
			shift 2
			;;
		--bandwidth)
			programs_of=-bandwidth
			# qperf's client may come before its server listens in rdma_cm, and is refused.
			options+=(--columns "ours force" --rounds "$programs_rounds" --tries 3)
			shift
			;;
		*) args+=("$1"); shift ;;
		esac
	done
	parse_options "${args[@]}"
	((${#rest[@]} == 0)) || die "programs takes no argument besides its options; ./run help shows how."
	((!guest_stock)) || die "programs loads both, the distribution's rxe and ours; leave --stock out."
	if [[ $programs_of ]]; then
		guest_icount=1 guest_smp=1
	fi
	kernels_ready
	programs_all "${options[@]}"
	if ((status)); then
		say "Something failed (status $status)."
	fi
	return "$status"
}
