# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# The checked kernels: small kernels of each series with checkers on (vm/config/), built in the chroot from
# the very source that the guest's own kernel comes from, and kept. There are two of series S: S-debug has
# every checker that fits into one kernel, S-kcsan the detector of data races. For such a kernel K,
#
#   build/checked-kernel/K/source         the source, and what is built of it
#   build/checked-kernel/K/boot           version, vmlinuz, initramfs
#   build/checked-kernel/K/lib/modules    its modules
#   build/checked-kernel/K/{source.stamp,boot.stamp}  what they were made from

# checked_kernel_ready KERNEL: after it, that kernel is there.
checked_kernel_ready() {
	local kernel=$1 series=${1%-*} dir=$top/build/checked-kernel/$1 lock version key
	local log=$top/build/logs/checked-kernel-$1.log
	version=$(image_kernel_version "$series")
	key=$version-$(
		cat -- "$top"/vm/config/guest*.config "$top/vm/config/${kernel##*-}.config" \
			"$top"/vm/guest/{build-checked-kernel,mkinitramfs,initramfs-init} |
			sha256sum | cut -d ' ' -f 1
	)
	mkdir -p -- "$dir"
	exec {lock}>"$dir/lock"
	flock -n "$lock" || { say "Waiting for another ./run that builds $kernel ..."; flock "$lock"; }
	if [[ $(cat -- "$dir/source.stamp" 2>/dev/null) != "$version" ]]; then
		space_for "$checked_kernel_mib" "Building a kernel" "$dir" ""
		step "Unpacking the source of Linux $version" "$log" checked_kernel_unpack "$series" "$dir" ||
			die "The kernel's source could not be unpacked; ./run clean and a new ./run fetch it again."
		echo "$version" >"$dir/source.stamp"
	fi
	if [[ $(cat -- "$dir/boot.stamp" 2>/dev/null) != "$key" ]]; then
		root_ready
		rm -f -- "$dir/boot.stamp"
		# shellcheck disable=SC2016 # for the inner shell
		step "Building a kernel with checkers on (${kernel##*-}) from Linux $version" "$log" \
			in_root '/mnt/odp/vm/guest/build-checked-kernel "$1"' "$kernel" ||
			die "The kernel could not be built; all of its output is in build/logs/checked-kernel-$kernel.log."
		echo "$key" >"$dir/boot.stamp"
	fi
	exec {lock}>&-
}

checked_kernel_unpack() {
	rm -rf -- "$2/source" "$2"/*.stamp
	mkdir -p -- "$2/source"
	tar -xJf "$guest_dir/source/$1.tar.xz" -C "$2/source" --strip-components=1
}
