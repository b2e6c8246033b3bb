# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# The debug kernels: a small kernel of each series with every checker on (vm/debug.config), built in the
# chroot from the very source that the guest's own kernel comes from, and kept:
#
#   build/debug-kernel/K/source         the source, and what is built of it
#   build/debug-kernel/K/boot           version, vmlinuz, initramfs
#   build/debug-kernel/K/lib/modules    its modules
#   build/debug-kernel/K/{source.stamp,boot.stamp}  what they were made from
#
# Elsewhere, K-debug is the name of the debug kernel of series K.

# debug_kernel_ready SERIES: after it, that series' debug kernel is there.
debug_kernel_ready() {
	local series=$1 dir=$top/build/debug-kernel/$1 log=$top/build/logs/debug-kernel-$1.log lock version key
	version=$(image_kernel_version "$series")
	key=$version-$(
		cat -- "$top"/vm/debug*.config "$top"/vm/guest/{build-debug-kernel,mkinitramfs,initramfs-init} |
			sha256sum | cut -d ' ' -f 1
	)
	mkdir -p -- "$dir"
	exec {lock}>"$dir/lock"
	flock -n "$lock" || { say "Waiting for another ./run that builds the debug kernel ..."; flock "$lock"; }
	if [[ $(cat -- "$dir/source.stamp" 2>/dev/null) != "$version" ]]; then
		space_for 5000 "Building a debug kernel" "$dir" ""
		step "Unpacking the source of Linux $version" "$log" debug_kernel_unpack "$series" "$dir" ||
			die "The kernel's source could not be unpacked; ./run clean and a new ./run fetch it again."
		echo "$version" >"$dir/source.stamp"
	fi
	if [[ $(cat -- "$dir/boot.stamp" 2>/dev/null) != "$key" ]]; then
		root_ready
		rm -f -- "$dir/boot.stamp"
		# shellcheck disable=SC2016 # for the inner shell
		step "Building a kernel with every checker on from Linux $version" "$log" \
			in_root '/mnt/odp/vm/guest/build-debug-kernel "$1"' "$series" ||
			die "The debug kernel could not be built; all of its output is in build/logs/debug-kernel-$series.log."
		echo "$key" >"$dir/boot.stamp"
	fi
	exec {lock}>&-
}

debug_kernel_unpack() {
	rm -rf -- "$2/source" "$2"/*.stamp
	mkdir -p -- "$2/source"
	tar -xJf "$guest_dir/source/$1.tar.xz" -C "$2/source" --strip-components=1
}
