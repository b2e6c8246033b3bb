# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# Small helpers of ./run: messages, root rights, steps with progress.

# The kernel series that the project supports, oldest first: Debian 13's own, then those of its backports.
ODP_STABLE=6.12
ODP_SERIES="$ODP_STABLE 7.2 7.3"

guest_dir=${ODP_GUEST_DIR:-$top/build/guest}
# What it takes of disk, in MiB; README.md says the same.
guest_mib=5500 checked_kernel_mib=3000

say() {
	printf 'odp: %s\n' "$*" >&2
}

die() {
	say "$*"
	exit 1
}

as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		sudo -- "$@"
	fi
}

# root_ready: asks for sudo's password, if it takes one, before the steps that need it go to the background.
root_ready() {
	((EUID != 0)) || return 0
	command -v sudo >/dev/null ||
		die "This needs root for a chroot and for packages; run ./run as root or install sudo."
	sudo -n true 2>/dev/null || sudo -v ||
		die "sudo did not give root rights; run ./run as root or as a user who may use sudo."
}

# step TITLE LOG CMD...: runs CMD with its output in LOG, shows that it goes on, and returns its status.
step() {
	local title=$1 log=$2 start=$SECONDS status=0 ticker
	shift 2
	mkdir -p -- "$(dirname -- "$log")"
	: >"$log"
	say "$title ..."
	# The ticker goes to the background and CMD stays in front, so that ctrl-c reaches it.
	step_ticker "$log" &
	ticker=$!
	"$@" >"$log" 2>&1 </dev/null || status=$?
	kill "$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	[[ ! -t 2 ]] || printf '\r\e[K' >&2
	if ((status)); then
		tail -n 15 -- "$log" | sed 's/^/    /' >&2
	else
		say "  done in $((SECONDS - start)) s"
	fi
	return "$status"
}

# step_ticker LOG: every second on a terminal, every 20 s elsewhere, the time and LOG's last line.
step_ticker() {
	local start=$SECONDS line
	trap 'kill "$!" 2>/dev/null; exit' TERM
	while kill -0 $$ 2>/dev/null; do
		sleep 1 >/dev/null 2>&1 &
		wait "$!"
		[[ -t 2 ]] || (((SECONDS - start) % 20 == 0)) || continue
		line=$(tail -n 1 -- "$1" | tr -d '\000-\037' | cut -c 1-100)
		if [[ -t 2 ]]; then
			printf '\r\e[Kodp:   %d s  %s' $((SECONDS - start)) "$line" >&2
		else
			say "  $((SECONDS - start)) s  $line"
		fi
	done
}

# space_for MIB WHAT FOLDER ELSE: stops with a sentence when the disk under FOLDER has less than MIB left.
space_for() {
	local free
	mkdir -p -- "$3" || die "Cannot write to $3; make it writable$4."
	free=$(df --output=avail -B1M -- "$3" | tail -n 1)
	((free >= $1)) ||
		die "$2 needs $1 MiB of disk and $3 has $((free)) MiB left; free some$4."
}
