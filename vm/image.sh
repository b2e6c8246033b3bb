# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# The guest's image: a Debian 13 root folder (which is also the chroot that everything is compiled
# in), a file system made of it, and per kernel series the kernel and a small initramfs. The series are
# Debian 13's own, the newest supported one that the mirror offers, and those that --kernel asked for.
#
#   odp-guest               says that the folder is ours
#   root/                   the folder; /usr/src/odp-linux-K holds what is used of linux-source,
#                           /usr/src/PACKAGE.tar.* the source of rdma-core, and of what ./run programs builds
#   root.ext4               the same as a file system
#   kernels/K/version       such as 6.12.107+deb13-amd64
#   kernels/K/vmlinuz       and initramfs
#   kernels/offered         the series that the mirror offers with headers and source
#   asked                   the series that --kernel asked for, and that were not there
#   source/K.tar.xz         linux-source, the whole of it, for vm/checked-kernel.sh
#   root.stamp, boot.stamp  what the above was made from

guest_packages=(
	ca-certificates gcc make libc6-dev cmake pkgconf libibverbs-dev librdmacm-dev perftest
	python3 python3-pyverbs gdb strace libcmocka-dev rdma-core ibverbs-utils iproute2 kmod
	coccinelle sparse valgrind mandoc dpkg-dev xz-utils procps util-linux busybox-static cpio
	zlib1g-dev flex bison bc libelf-dev libssl-dev libfuse3-dev fuse3 dmsetup e2fsprogs xfsprogs
	librpma-dev qemu-system-x86 gnuplot-nox rdmacm-utils qperf fio ucx-utils libucx-dev openmpi-bin libopenmpi-dev
	mpich libmpich-dev python3-mpi4py libfabric-bin libfabric-dev libnl-genl-3-dev libtool stress-ng nvme-cli socat nfs-kernel-server nfs-common
)

# image_ready SERIES...: after it, the image exists and fits these scripts, and has these series' kernels as far
# as the mirror offers them.
image_ready() {
	local sources root_key boot_key lock
	sources=$(mirror_list)
	image_claim
	exec {lock}>"$guest_dir/lock"
	flock -n "$lock" || { say "Waiting for another ./run that builds the guest ..."; flock "$lock"; }

	local series
	for series; do
		image_ask "$series"
	done
	root_key=$(
		{
			echo "$sources" "${guest_packages[*]}" "$ODP_SERIES" "$(<"$guest_dir/asked")"
			cat -- "$top"/vm/guest/{install-kernels,fetch-source}
		} | sha256sum | cut -d ' ' -f 1
	)
	boot_key=$root_key-$(cat -- "$top"/vm/guest/{mkinitramfs,initramfs-init} | sha256sum | cut -d ' ' -f 1)
	[[ $(cat -- "$guest_dir/root.stamp" 2>/dev/null) == "$root_key" ]] || image_build_root "$sources" "$root_key"
	[[ $(cat -- "$guest_dir/boot.stamp" 2>/dev/null) == "$boot_key" ]] || image_build_boot "$boot_key"
	exec {lock}>&-
	image_check
}

# image_claim: makes the guest's folder ours, if there is nothing of anybody else's in it. What is in a folder
# of ours may be removed, and in no other.
image_claim() {
	mkdir -p -- "$guest_dir" || die "Cannot write to $guest_dir; make it writable or set ODP_GUEST_DIR."
	! image_claimed || return 0
	[[ -z $(ls -A -- "$guest_dir") ]] ||
		die "$guest_dir has files that are not the guest's; set ODP_GUEST_DIR to a new or an empty folder."
	echo "./run keeps its guest here; ./run clean removes it." >"$guest_dir/odp-guest"
}

# image_claimed: is it? Before it was marked, a folder of ours had a stamp, a hash and nothing else.
image_claimed() {
	[[ -e $guest_dir/odp-guest || $guest_dir == "$top/build/guest" ]] ||
		grep -qsxE '[0-9a-f]{64}' "$guest_dir/root.stamp"
}

# image_remove: removes what is ours of the folder, and the folder if that was all.
image_remove() {
	image_claimed || return 0
	as_root rm -rf --one-file-system -- \
		"$guest_dir"/{root,root.ext4,kernels,source,packages,root.stamp,boot.stamp,asked,sources.list,lock,odp-guest}
	rmdir --ignore-fail-on-non-empty -- "$guest_dir"
}

# image_ask SERIES: notes the series for the image, unless it is there already or cannot be had.
image_ask() {
	local offered=$guest_dir/kernels/offered
	touch -- "$guest_dir/asked"
	[[ $1 != "$ODP_STABLE" && ! -e $guest_dir/kernels/$1/version ]] || return 0
	[[ ! -e $offered ]] || grep -qxF -- "$1" "$offered" || return 0
	! grep -qxF -- "$1" "$guest_dir/asked" || return 0
	echo "$1" >>"$guest_dir/asked"
	[[ ! -e $offered ]] || say "The guest has no Linux $1 yet: it is built anew, with it."
}

image_build_root() {
	local sources=$1 key=$2 options=() option
	root_ready
	space_for "$guest_mib" "Building the guest" "$guest_dir" " or set ODP_GUEST_DIR to another disk"
	while read -r option; do
		options+=(--aptopt="$option")
	done < <(mirror_apt_options)

	as_root rm -rf --one-file-system -- "$guest_dir"/{root,kernels,source,root.ext4,root.stamp,boot.stamp}
	mkdir -p -- "$guest_dir/source"
	echo "$sources" >"$guest_dir/sources.list"
	# shellcheck disable=SC2016 # mmdebstrap runs it, with the root folder as $1
	local hook='"$ODP_HOOKS/install-kernels" "$1" && "$ODP_HOOKS/fetch-source" "$1" rdma-core libibverbs1'
	# What has no source here is left out of ./run programs.
	# shellcheck disable=SC2016
	local more='for package in libfabric valkey mpi4py; do "$ODP_HOOKS/fetch-source" "$1" "$package" || true; done'
	step "Building the guest from $(echo "$sources" | cut -d ' ' -f 2 | sort -u | paste -sd ' ')" \
		"$top/build/logs/guest.log" \
		as_root env INITRD=No ODP_HOOKS="$top/vm/guest" ODP_SERIES="$ODP_SERIES" \
		ODP_ASKED="$(paste -sd ' ' "$guest_dir/asked")" ODP_SOURCES="$(realpath -- "$guest_dir/source")" \
		mmdebstrap --mode=root --variant=apt --format=directory \
		--include="$(IFS=,; echo "${guest_packages[*]}")" \
		--aptopt='APT::Install-Recommends "false"' "${options[@]}" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--customize-hook="$hook" --customize-hook="$more" \
		trixie "$guest_dir/root" "$guest_dir/sources.list" ||
		image_failed

	# mke2fs takes a size: half as much again as the files have.
	local mib
	mib=$(as_root du -sm --apparent-size -- "$guest_dir/root" | cut -f 1)
	step "Making the guest's file system" "$top/build/logs/guest-fs.log" \
		as_root env PATH="$PATH:/usr/sbin:/sbin" mke2fs -q -F -t ext4 -O ^has_journal -m 0 -L odp \
		-d "$guest_dir/root" "$guest_dir/root.ext4" $((mib * 3 / 2 + 512))M ||
		die "mke2fs failed; build/logs/guest-fs.log says why, then ./run clean starts afresh."
	as_root chmod 644 -- "$guest_dir/root.ext4"
	echo "$key" >"$guest_dir/root.stamp"
}

# image_failed: turns mmdebstrap's log into a sentence.
image_failed() {
	local log=$top/build/logs/guest.log
	if grep -q 'No space left on device' "$log"; then
		die "The disk of $guest_dir is full; free some space or set ODP_GUEST_DIR to another disk."
	elif grep -qE 'Temporary failure|Could not resolve|Could not connect|Connection (failed|timed out|refused)|Failed to fetch|Unable to connect|Network is unreachable' "$log"; then
		die "The guest's packages cannot be fetched; check the network, or set ODP_MIRROR (and ODP_SECURITY_MIRROR) to a mirror that this machine reaches."
	elif grep -qE 'NO_PUBKEY|not signed' "$log"; then
		die "The mirror's Debian 13 key is not known here; run apt-get install debian-archive-keyring, or set ODP_MIRROR to another mirror."
	elif grep -qE 'unshare.*(not permitted|failed)|mount.*(permission denied|not permitted)' "$log"; then
		die "This machine may not mount file systems, which building the guest needs; run it outside of the container or give the container CAP_SYS_ADMIN."
	fi
	die "The guest could not be built; build/logs/guest.log says why."
}

image_build_boot() {
	local key=$1 kernel dir
	root_ready
	[[ -r $guest_dir/root/usr/src/odp-kernels/offered ]] ||
		die "The cached guest in $guest_dir is damaged; ./run clean removes it and the next run builds it again."
	mkdir -p -- "$guest_dir/kernels"
	cp -- "$guest_dir/root/usr/src/odp-kernels/offered" "$guest_dir/kernels/offered"
	for kernel in "$guest_dir"/root/usr/src/odp-kernels/[0-9]*; do
		kernel=${kernel##*/}
		dir=$guest_dir/kernels/$kernel
		rm -rf -- "$dir"
		mkdir -p -- "$dir"
		cp -- "$guest_dir/root/usr/src/odp-kernels/$kernel" "$dir/version"
		cp -- "$guest_dir/root/boot/vmlinuz-$(<"$dir/version")" "$dir/vmlinuz"
		step "Making the initramfs of Linux $(<"$dir/version")" "$top/build/logs/initramfs-$kernel.log" \
			image_initramfs "$dir" ||
			die "The initramfs could not be made; build/logs/initramfs-$kernel.log says why, then ./run clean starts afresh."
	done
	echo "$key" >"$guest_dir/boot.stamp"
}

image_initramfs() {
	as_root chroot "$guest_dir/root" /bin/bash -s -- "$(<"$1/version")" "$(<"$top/vm/guest/initramfs-init")" \
		<"$top/vm/guest/mkinitramfs" >"$1/initramfs"
}

# image_check: a cache that lost a part says so here and not in the middle of a boot.
image_check() {
	local kernel file
	[[ -x $guest_dir/root/bin/bash && -s $guest_dir/root.ext4 && -s $guest_dir/kernels/offered ]] ||
		die "The cached guest in $guest_dir is damaged; ./run clean removes it and the next run builds it again."
	for kernel in "$guest_dir"/kernels/*/version; do
		for file in version vmlinuz initramfs; do
			[[ -s ${kernel%/*}/$file ]] ||
				die "The cached guest in $guest_dir is damaged ($file is missing); ./run clean removes it and the next run builds it again."
		done
	done
}

# image_kernel_dir K: the folder with version, vmlinuz and initramfs of a series' kernel, or of one of its
# checked kernels, S-debug and S-kcsan.
image_kernel_dir() {
	case $1 in
	*-*) printf '%s' "$top/build/checked-kernel/$1/boot" ;;
	*) printf '%s' "$guest_dir/kernels/$1" ;;
	esac
}

image_kernel_version() {
	cat -- "$(image_kernel_dir "$1")/version"
}

# image_sources: the series whose rxe the image has.
image_sources() {
	local folder
	for folder in "$guest_dir"/root/usr/src/odp-linux-*; do
		echo "${folder##*odp-linux-}"
	done | sort -V
}

# image_supported: the supported series that the mirror offers, oldest first.
image_supported() {
	local series
	for series in $ODP_SERIES; do
		! grep -qxF -- "$series" "$guest_dir/kernels/offered" || echo "$series"
	done
}

# image_newest: the newest of these, or Debian 13's own.
image_newest() {
	local newest
	newest=$(image_supported | tail -n 1)
	printf '%s' "${newest:-$ODP_STABLE}"
}

# image_gone: the supported series beside Debian 13's own that the mirror does not offer.
image_gone() {
	local series
	for series in ${ODP_SERIES#* }; do
		grep -qxF -- "$series" "$guest_dir/kernels/offered" || echo "$series"
	done
}

image_has_kernel() {
	[[ -e $guest_dir/kernels/$1/version ]] ||
		die "The mirror offers no Linux $1 with its headers and source; it offers $(paste -sd ' ' "$guest_dir/kernels/offered"). Choose with --kernel, or set ODP_MIRROR to a mirror that has it (a snapshot, say) and run ./run clean."
}
