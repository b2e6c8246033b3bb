# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# Line coverage of kernel/odp, from the counters that a guest with a debug kernel left behind.

# coverage_forget KERNEL: away with the counters of the run before.
coverage_forget() {
	rm -f -- "$top/build/$1"/kernel/odp/*.gcda
}

# coverage_show KERNEL: prints it per file and in total, and the lines that never ran with the reason;
# fails if there is too little of it.
coverage_show() {
	say "Line coverage of kernel/odp on $(image_kernel_version "$1"):"
	# shellcheck disable=SC2016 # for the inner shell
	in_root 'exec python3 /mnt/odp/vm/guest/coverage "/mnt/odp/build/$1/kernel/odp" \
		/mnt/odp/vm/coverage-reasons "${1%-*}"' "$1" </dev/null ||
		{ say "Too few lines ran or have a reason, or the guest ended before it wrote the counters."; return 1; }
}
