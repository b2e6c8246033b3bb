# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# ./run hooks: do the hooks fit a kernel's rxe, and does what they make of it compile? For the kernels of the
# guest's image, or for any source: next week's.

# hooks_unpack SOURCE: rxe out of a kernel's source, its own folder or a tar file, into build/hooks/source; puts
# the kernel's series, if it is to be found out, into `series`.
hooks_unpack() {
	local source=$1 into=$top/build/hooks/source rxe=drivers/infiniband/sw/rxe
	rm -rf -- "$into"
	mkdir -p -- "$into/$rxe"
	if [[ -f $source ]]; then
		tar -x -f "$source" -C "$into" --strip-components=1 --wildcards --no-wildcards-match-slash \
			"*/Makefile" "*/$rxe/*.[ch]" "*/$rxe/Makefile" 2>/dev/null ||
			die "$source has no $rxe; give the source of a kernel."
	elif [[ -e $source/$rxe/rxe_mr.c ]]; then
		cp -- "$source/Makefile" "$into"
		cp -- "$source/$rxe"/{*.[ch],Makefile} "$into/$rxe"
	elif [[ -e $source/rxe_mr.c ]]; then
		cp -- "$source"/{*.[ch],Makefile} "$into/$rxe"
		cp -- "$source/../../../../Makefile" "$into" 2>/dev/null || true
	else
		die "$source is neither a kernel's source nor its $rxe."
	fi
	series=$(sed -n 's/^VERSION = //p; s/^PATCHLEVEL = /./p' "$into/Makefile" 2>/dev/null | head -n 2 | tr -d '\n')
}

# hooks_try NAME RXE HEADERS: applies the hooks to RXE and compiles, unless HEADERS is empty; both are paths in
# the guest's root.
hooks_try() {
	local name=$1 rxe=$2 headers=$3 log=$top/build/logs/hooks-$1.log
	# shellcheck disable=SC2016 # for the inner shell
	if ! step "Applying the hooks to rxe of Linux $name" "$log" \
		in_root 'mkdir -p /mnt/odp/build/hooks
			/mnt/odp/kernel/rxe/overlay --keep-going "$1" "/mnt/odp/build/hooks/$2.overlay"' "$rxe" "$name"; then
		grep -E '^(hook|apply-hooks:|overlay:)' "$log" >&2
		return 1
	fi
	say "  $(tail -n 1 "$log")"
	if [[ ! $headers ]]; then
		say "The guest has no headers of Linux $name: not compiled."
		return 0
	fi
	# shellcheck disable=SC2016 # for the inner shell
	step "Compiling the modules for Linux $name" "$log" \
		in_root 'cmake -S /mnt/odp -B "/mnt/odp/build/hooks/$1" -DODP_USERSPACE=OFF -DODP_MODULES=ON \
			-DODP_SELFTEST=ON -DKDIR="$2" -DRXE_SOURCE="$3" && cmake --build "/mnt/odp/build/hooks/$1"' \
		"$name" "$headers" "$rxe" ||
		{ grep -E 'error:|ERROR:' "$log" >&2; return 1; }
}

# hooks_headers SERIES: where the guest's root has the headers of a kernel of that series, or nothing.
hooks_headers() {
	local found
	for found in "$guest_dir/root/lib/modules/$1."*/build; do
		[[ ! -L $found ]] || printf '%s' "${found#"$guest_dir/root"}"
	done
}

# hooks_series SERIES: of the guest's image.
hooks_series() {
	hooks_try "$1" "/usr/src/odp-linux-$1/drivers/infiniband/sw/rxe" "$(hooks_headers "$1")"
}

cmd_hooks() {
	parse_options "$@"
	((${#rest[@]} <= 1)) || die "hooks takes one source at most; ./run help shows how."
	local series='' status=0
	guest_ready
	root_ready
	if ((${#rest[@]})); then
		hooks_unpack "${rest[0]}"
		hooks_try "${series:-of an unknown series}" /mnt/odp/build/hooks/source/drivers/infiniband/sw/rxe \
			"$([[ ! $series ]] || hooks_headers "$series")"
		return
	fi
	for series in ${guest_kernel:-$(image_sources)}; do
		[[ ! $guest_kernel ]] || image_has_kernel "$series"
		hooks_series "$series" || status=1
	done
	return "$status"
}
