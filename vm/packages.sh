# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# ./run packages: builds the Debian packages from a clean copy of the tree, and tries them on a plain Debian
# machine that is installed, upgraded to another kernel and another rdma-core, and rid of them again. What
# changes the machine is done in a chroot of its files (vm/guest/change-machine), as image builders do it;
# after each change it is booted, with its own initramfs and systemd, and looked at (vm/guest/check-machine).
#
#   build/packages/           the packages, lintian's verdict and the logs
#   GUEST/packages/builder/   a root folder with what building takes
#   GUEST/packages/machine/   the machine as it is before anything is installed
#   GUEST/packages/try/       the machine that is tried; try.ext4 is a file system made of its files
#   GUEST/packages/bare/      another one, on which the packages were installed and purged

packages=$guest_dir/packages
# What this takes of disk beside the guest, in MiB; README.md says the same.
packages_mib=11000

# Beside what debian/control says that building takes.
builder_packages=(dpkg-dev ca-certificates lintian rpm fakeroot build-essential)
# The machine has Debian's release as it came out, without its updates: its kernel is an older one than the guest's.
machine_packages=(
	systemd-sysv udev linux-image-amd64 initramfs-tools iproute2 kmod procps rdma-core ibverbs-utils ibverbs-providers
	ca-certificates
)

# packages_build_depends: names of the packages in Build-Depends.
packages_build_depends() {
	sed -n '/^Build-Depends:/,/^[^ ]/ s/^ \([a-z0-9.+-]*\).*/\1/p' "$top/debian/control"
}

# packages_sources: the machines' sources.list: the guest's, and sid's for its rdma-core.
packages_sources() {
	local main
	mirror_list
	main=$(mirror_list | sed -n 's/^deb \([^ ]*\) trixie main$/\1/p')
	echo "deb $main sid main"
}

# packages_bootstrap NAME HOOK PACKAGE...: a root folder, unless one made from the same is there.
packages_bootstrap() {
	local name=$1 hook=$2 root=$packages/$1 key option options=() sources
	shift 2
	sources=$([[ $name == machine ]] && packages_sources || mirror_list)
	key=$(echo "$sources $hook $*" | cat - "$top"/vm/guest/{make-machine,fetch-source} | sha256sum | cut -d ' ' -f 1)
	[[ $(cat -- "$root.stamp" 2>/dev/null) != "$key" ]] || return 0
	space_for "$packages_mib" "Trying the packages" "$guest_dir" " or set ODP_GUEST_DIR to another disk"
	while read -r option; do
		options+=(--aptopt="$option")
	done < <(mirror_apt_options)
	as_root rm -rf --one-file-system -- "$root" "$root.stamp"
	mkdir -p -- "$packages"
	echo "$sources" >"$root.list"
	step "Installing a Debian for packages: the $name" "$top/build/logs/packages-$name.log" \
		as_root env ODP_HOOKS="$top/vm/guest" mmdebstrap --mode=root --variant=apt --format=directory \
		--include="$(IFS=,; echo "$*")" \
		--aptopt='APT::Install-Recommends "false"' --aptopt='APT::Default-Release "trixie"' "${options[@]}" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--customize-hook="$hook" trixie "$root" "$root.list" ||
		die "The $name could not be installed; build/logs/packages-$name.log says why."
	echo "$key" >"$root.stamp"
}

# packages_build: from what git knows of the tree to build/packages/*.deb.
packages_build() {
	local out=$top/build/packages
	as_root rm -rf -- "$out"
	mkdir -p -- "$out/source"
	git -c safe.directory='*' -C "$top" ls-files -z --cached --others --exclude-standard |
		tar -C "$top" --null -T - -c | tar -C "$out/source" -x
	# shellcheck disable=SC2016 # for the inner shell
	step "Building the packages" "$top/build/logs/packages-build.log" \
		chroot_in "$packages/builder" "$(id -u):$(id -g)" '
			cd /mnt/odp/build/packages/source
			DPKG_GENSYMBOLS_CHECK_LEVEL=4 DEB_BUILD_OPTIONS="parallel=$(nproc) terse" dpkg-buildpackage -us -uc' ||
		die "The packages could not be built; build/logs/packages-build.log says why."
	step "Asking lintian" "$top/build/logs/packages-lintian.log" \
		chroot_in "$packages/builder" "$(id -u):$(id -g)" '
			cd /mnt/odp/build/packages
			lintian --allow-root --fail-on error,warning --tag-display-limit 0 -- *.changes' ||
		die "lintian finds fault with the packages; build/logs/packages-lintian.log has all of it."
}

# packages_rpm: as far as it goes without a distribution that has RPM: the spec is right, and its lists of files.
packages_rpm() {
	local version
	version=$(sed -n 's/^project(.* VERSION \([0-9.]*\) .*/\1/p' "$top/CMakeLists.txt")
	# shellcheck disable=SC2016 # for the inner shell
	step "Building the RPM packages" "$top/build/logs/packages-rpm.log" \
		chroot_in "$packages/builder" "$(id -u):$(id -g)" '
			cd /mnt/odp/build/packages
			tar -czf "rdma-odp-$1.tar.gz" --transform "s,^source,rdma-odp-$1," source
			rpmbuild -bb --nodeps --define "_topdir /tmp/rpm" --define "_sourcedir $PWD" --define "_rpmdir $PWD/rpm" \
				--define "rdma_core_source /usr/src/rdma-core.tar.gz" source/rpm/rdma-odp.spec' "$version" ||
		die "The RPM packages could not be built; build/logs/packages-rpm.log says why."
}

# packages_change MACHINE STEP [ARG...]: changes the files of a machine that is tried.
packages_change() {
	local machine=$1 log=$top/build/logs/packages-$2.log
	shift
	step "On the machine: $*" "$log" \
		chroot_in "$packages/$machine" 0:0 'exec /mnt/odp/vm/guest/change-machine "$@"' "$@" ||
		die "That failed; build/logs/packages-$1.log says why."
	grep -a '^rdma-odp: \|^rxe-odp-provider: \|^change: ' "$log" | sort -u | sed 's/^change: //; s/^/    /' >&2 || true
}

# packages_check MACHINE SERIES CHECK: boots a machine with its newest kernel of that series and looks.
packages_check() {
	local machine=$packages/$1 series=$2 check=$3 mib status=0 kernel log=$top/build/logs/packages-check-$3.log
	kernel=$(cd -- "$machine/boot" && printf '%s\n' "vmlinuz-$series"[.+-]* | sort -V | tail -n 1)
	kernel=${kernel#vmlinuz-}
	[[ -e $machine/boot/vmlinuz-$kernel && -e $machine/boot/initrd.img-$kernel ]] ||
		die "The machine has no Linux $series with an initramfs."
	mib=$(as_root du -sm --apparent-size -- "$machine" | cut -f 1)
	as_root rm -f -- "$packages/try.ext4"
	as_root env PATH="$PATH:/usr/sbin:/sbin" mke2fs -q -F -t ext4 -m 0 -L machine -d "$machine" \
		"$packages/try.ext4" $((mib * 5 / 4 + 256))M >/dev/null ||
		die "mke2fs failed on the machine's files."
	as_root chmod 644 -- "$packages/try.ext4"
	step "Booting it with Linux $kernel: $check" "$log" packages_boot "$machine/boot" "$kernel" "$check" "$log" ||
		status=$?
	tr -d '\r' <"$log" | sed -n 's/^check: /    /p' >&2
	((!status)) || die "The machine is not as it should be ($check); build/logs/packages-check-$check.log has all of it."
}

# packages_boot BOOT KERNEL CHECK LOG: the machine's console goes to standard output, which is LOG; the verdict is
# its last word.
packages_boot() {
	local boot=$1 kernel=$2 check=$3 log=$4
	boot_qemu_command
	timeout --foreground 900 "${qemu[@]}" -M q35 -accel "tcg,thread=multi" -cpu max -smp 2 -m 2G \
		-nodefaults -no-user-config -no-reboot -display none -serial stdio \
		-kernel "$boot/vmlinuz-$kernel" -initrd "$boot/initrd.img-$kernel" \
		-append "root=/dev/vda rw console=ttyS0 loglevel=5 panic=-1 oops=panic mitigations=off net.ifnames=0 norandmaps tsc=reliable odp.check=$check" \
		-drive "file=$(qemu_path "$packages/try.ext4"),format=raw,if=virtio,snapshot=on" \
		-device virtio-rng-pci -netdev user,id=net,restrict=on -device virtio-net-pci,netdev=net \
		-virtfs "local,mount_tag=odp,path=$(qemu_path "$top"),security_model=none,readonly=on" </dev/null
	! tr -d '\r' <"$log" | grep -qaE -f "$top/vm/kernel-log-patterns" || return 99
	tr -d '\r' <"$log" | grep -qax 'check: passed'
}

# packages_copy FROM TO
packages_copy() {
	as_root rm -rf --one-file-system -- "${packages:?}/$2"
	as_root cp -a --reflink=auto -- "$packages/$1" "$packages/$2"
}

cmd_packages() {
	parse_options "$@"
	((${#rest[@]} == 0)) || die "packages takes no argument besides its options; ./run help shows how."
	one_kernel
	local depends series
	guest_ready
	root_ready
	series=${guest_kernel:-$(image_newest)}
	[[ $series != "$ODP_STABLE" ]] || die "There is no kernel to upgrade to; name another one than $ODP_STABLE."
	mapfile -t depends < <(packages_build_depends)
	# shellcheck disable=SC2016 # mmdebstrap runs it, with the root folder as $1
	packages_bootstrap builder 'mkdir -p "$1/mnt/odp" && "$ODP_HOOKS/fetch-source" "$1" rdma-core libibverbs1' \
		"${builder_packages[@]}" "${depends[@]}"
	# shellcheck disable=SC2016
	packages_bootstrap machine '"$ODP_HOOKS/make-machine" "$1"' "${machine_packages[@]}"
	packages_build
	packages_rpm
	rm -rf -- "$top/build/packages/source"

	packages_copy machine try
	packages_change try install
	packages_check try "$ODP_STABLE" ours

	packages_copy machine bare
	packages_change bare purge
	packages_check bare "$ODP_STABLE" bare

	packages_change try kernel "$series"
	packages_check try "$series" ours
	packages_change try no-source "$series"
	packages_check try "$series" stock-kernel
	packages_change try source "$series"
	packages_check try "$series" ours

	packages_change try rdma-core
	packages_check try "$series" stock-provider
	say "The packages in build/packages can be installed, upgraded under and removed."
}
