# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# The host side: checks that this machine can run the guest and installs what is missing.

# host_ready: after it, every tool that the other scripts call is there.
host_ready() {
	local tool missing=()
	[[ $(uname -s) == Linux && $(uname -m) == x86_64 ]] ||
		die "The guest runs on Linux on amd64 and this is $(uname -s) on $(uname -m); use an amd64 machine."

	# tool:package
	for tool in mmdebstrap:mmdebstrap \
		mke2fs:e2fsprogs flock:util-linux unshare:util-linux setpriv:util-linux xz:xz-utils \
		dpkg-deb:dpkg /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring; do
		host_has "${tool%%:*}" || missing+=("${tool#*:}")
	done
	if ((${#missing[@]})); then
		host_install "${missing[@]}"
	fi
}

host_has() {
	[[ -e $1 ]] || PATH=$PATH:/usr/sbin:/sbin command -v -- "$1" >/dev/null
}

host_install() {
	command -v apt-get >/dev/null ||
		die "There is no apt-get here; use Debian 12 or 13, or install the equivalents of: $*."
	root_ready
	step "Installing host packages: $*" "$top/build/logs/host-packages.log" host_apt "$@" ||
		die "apt-get could not install $*; install them by hand (build/logs/host-packages.log says what went wrong)."
}

# Package lists that are missing or too old are fetched once, then it is tried again.
host_apt() {
	local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@")
	as_root "${install[@]}" || { as_root apt-get update && as_root "${install[@]}"; }
}
