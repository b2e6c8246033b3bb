# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# Compiles the project for the guest: natively, in a chroot of the guest's root, with its compiler,
# headers and libraries. The result is in build/K, in the chroot and the guest /mnt/odp/build/K.

# build_for KERNEL: configures (once) and builds modules and user space for that series, or for one of its
# checked kernels.
build_for() {
	local kernel=$1 series=${1%-*} options=() lock log=$top/build/logs/build-$1.log
	root_ready
	mkdir -p -- "$top/build/$kernel"
	exec {lock}>"$top/build/$kernel.lock"
	flock -n "$lock" || { say "Waiting for another ./run that builds for $kernel ..."; flock "$lock"; }
	if [[ $kernel == "$series" ]]; then
		options+=(-DKDIR="/lib/modules/$(image_kernel_version "$kernel")/build")
		# User space is the same on all kernels: once is enough.
		[[ $series != "$(image_newest)" ]] || options+=(-DODP_SANITIZED_TOO=ON)
	else
		options+=(-DKDIR="/mnt/odp/build/checked-kernel/$kernel/source" -DODP_TIMEOUT_SCALE=6)
		[[ $kernel != *-debug ]] || options+=(-DODP_GCOV=ON)
	fi
	step "Building modules and user space for Linux $(image_kernel_version "$kernel")" "$log" \
		in_root "$(build_script)" "$kernel" "$series" "${options[@]}" ||
		die "The build failed; all of its output is in build/logs/build-$kernel.log."
	exec {lock}>&-
}

# build_script: what runs in the chroot, with the kernel, its series and options of cmake as arguments.
build_script() {
	cat <<'SCRIPT'
set -eu
kernel=$1 series=$2
shift 2
cmake -S /mnt/odp -B "/mnt/odp/build/$kernel" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DODP_MODULES=ON \
	-DODP_SELFTEST=ON -DRDMA_CORE_SOURCE=/usr/src/rdma-core.tar.gz \
	-DRXE_SOURCE="/usr/src/odp-linux-$series/drivers/infiniband/sw/rxe" "$@"
cmake --build "/mnt/odp/build/$kernel" -j "$(nproc)"
SCRIPT
}

# in_root SCRIPT ARG...: runs SCRIPT with sh in the guest's root, as the calling user.
in_root() {
	chroot_in "$guest_dir/root" "$(id -u):$(id -g)" "$@"
}

# chroot_in ROOT USER SCRIPT ARG...: runs SCRIPT with sh in a root folder, with the project at /mnt/odp. The
# mounts live in a namespace of their own and go with the last process. Where this machine is itself a chroot,
# / cannot be made private; then the root is bound on itself, which can.
chroot_in() {
	# shellcheck disable=SC2016 # for the inner shell
	as_root unshare --mount --propagation unchanged -- /bin/bash -euc '
		root=$1 user=$2 top=$3 script=$4
		shift 4
		mount --make-rprivate / 2>/dev/null || true
		mount --bind -- "$root" "$root"
		trap "umount -R -l -- \"\$root\"" EXIT
		mount --make-private -- "$root"
		mount --bind -- "$top" "$root/mnt/odp"
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount --make-rprivate "$root/sys"
		mount --rbind /dev "$root/dev"
		mount --make-rprivate "$root/dev"
		mount -t tmpfs tmpfs "$root/tmp"
		chroot --userspec="$user" "$root" /usr/bin/env -i \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 /bin/sh -c "$script" sh "$@"
	' bash "$1" "$2" "$top" "${@:3}"
}
