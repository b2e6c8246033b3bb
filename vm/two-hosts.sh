# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# ./run test two-hosts: two guests with a network between them, each with ours or the distribution's rxe; the programs of
# tests/programs/list.sh that have a server and a client, over a wire that is good and one that is not.

# What a bad wire does, in both directions; rxe gives up now and then, pinned or not.
two_hosts_netem="loss 1% reorder 5% duplicate 1% delay 1ms seed 1"
two_hosts_tries=5
# Of the packets that are sent anew with pinned memory there, so many times as many may be with on-demand memory.
two_hosts_anew=1.5
# Client and server, as tests/programs/try has it. The first is what others are compared with.
two_hosts_columns="stock force force-stock stock-force"
# Without --full: those that check data, and some that do not.
two_hosts_programs='perftest/[^,]*$|rdma-core/(ibv_rc|rping|rstream|rcopy)|libfabric|UCX|MPI|valkey|kernel|ours'
# What connects by datagrams of its own gets no connection over a bad wire, pinned or not.
two_hosts_bad_programs='perftest/[^,]*$|rdma-core/(ibv_rc|rping)|libfabric/.* msg|MPI/.*libfabric|ours'

# two_hosts_guest KERNEL WIRE N CMD...: a guest at one end of the wire; N is 1 or 2.
two_hosts_guest() {
	local kernel=$1 wire=$2 n=$3
	shift 3
	guest_devices=(
		-netdev "dgram,id=net,local.type=unix,local.path=$(qemu_path "$wire/$n"),remote.type=unix,remote.path=$(qemu_path "$wire/$((3 - n))")"
		-device "virtio-net-pci,netdev=net,mac=52:54:00:00:00:0$n,host_mtu=4200"
	)
	boot_exec "$kernel" "$top" "$@"
}

# two_hosts_pair KERNEL NAME OPTION...: one run of tests/programs/try between two guests.
two_hosts_pair() {
	local kernel=$1 name=$2 wire peer status=0 peer_status=0
	shift 2
	# A socket's path may not be long.
	wire=$(mktemp -d)
	two_hosts_guest "$kernel" "$wire" 2 /mnt/odp/tests/programs/peer >"$top/build/logs/peer-$kernel.log" 2>&1 </dev/null &
	peer=$!
	(two_hosts_guest "$kernel" "$wire" 1 /mnt/odp/tests/programs/try --peer "$@" \
		"/mnt/odp/build/programs/$kernel-$name.tsv" 2>&1 </dev/null) | sed -u "s/^/$kernel $name: /" || status=$?
	((!status)) || kill "$peer" 2>/dev/null || true
	wait "$peer" || peer_status=$?
	if ((!status && peer_status)); then
		sed "s/^/$kernel $name, the other host: /" "$top/build/logs/peer-$kernel.log"
		status=$peer_status
	fi
	rm -rf -- "$wire"
	return "$status"
}

# two_hosts KERNEL REGEX: over both wires, the programs of these names. A bad wire does not get all of them; if it gets
# none, there are no results of it.
two_hosts() {
	local kernel=$1 status=0 bad=0
	two_hosts_pair "$kernel" good --columns "$two_hosts_columns" --match "$2" || status=$?
	two_hosts_pair "$kernel" bad --columns "$two_hosts_columns" --match "$2" --match "$two_hosts_bad_programs" \
		--netem "$two_hosts_netem" --tries "$two_hosts_tries" || bad=$?
	if ((bad == 3)); then
		rm -- "$top/build/programs/$kernel-bad.tsv"
	elif ((bad)); then
		status=$bad
	fi
	return "$status"
}

# cmd_two_hosts [REGEX...]: what ./run test two-hosts does, after the options have been read.
cmd_two_hosts() {
	local kernel kernels=() status=0 names=$two_hosts_programs
	if (($#)); then
		names=$(IFS='|'; echo "$*")
	elif [[ ${ODP_FULL-} ]]; then
		names=.
	fi
	((!guest_stock)) || die "two-hosts loads both, the distribution's rxe and ours; leave --stock out."
	kernels_ready
	mkdir -p -- "$top/build/programs"
	programs_build
	kernels_each 1 two_hosts "$names"
	for kernel in "${kernels[@]}"; do
		programs_table "$kernel-good" "$kernel" || status=1
		[[ ! -e $top/build/programs/$kernel-bad.tsv ]] ||
			programs_table "$kernel-bad" "$kernel" "$two_hosts_anew" || status=1
	done
	((!status)) || say "Something failed (status $status)."
	return "$status"
}
