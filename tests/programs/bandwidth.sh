# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # tests/programs/try sources this, and awk gets some of it
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# The programs that tests/programs/try --rounds runs, as in list.sh: those that report a bandwidth. `rate` is what awk
# finds it with in what the client prints, in MiB/s or the like: only quotients are looked at. All of them go over the
# same memory so many times that it matters little how it came there first.

# With one processor, what polls waits for the other end's time slices, and how these fall is worth several percent. So all
# that can sleep does.
family perftest perftest
for tool in ib_{write,read,send}_bw; do
	sleeps=-e
	[[ $tool != ib_write_bw ]] || sleeps=
	rate='$1 == 65536 { print $4 }' program "$tool" --odp "$tool $sleeps -d rxe0 -x 1 -F -p @PORT -n 5000" \
		"$tool $sleeps -d rxe0 -x 1 -F -p @PORT -n 5000 @HOST"
done

family qperf qperf
for test in rc_bw rc_rdma_write_bw; do
	rate='$1 == "bw" { print $3 * ($4 ~ /^GB/ ? 1024 : 1) }' daemon "qperf $test" '' "qperf -lp @PORT" \
		"qperf -lp @PORT -cm1 -t 2 @HOST $test"
done

family fio fio
rate='match($0, /bw=[0-9.]+[KMG]/) && !n++ { print substr($0, RSTART + 3) * 1024 ^ (index("KMG", substr($0, RSTART + RLENGTH - 1, 1)) - 2) }' \
	program "fio, rdma write" '' \
	"fio --name=s --thread --ioengine=rdma --port=@PORT --rw=read --verb=recv --bs=64k --size=64m --iodepth=4" \
	"fio --name=c --thread --ioengine=rdma --hostname=@HOST --port=@PORT --rw=write --verb=write --bs=64k --size=64m --iodepth=4"

# Its puts and gets have no end where it sleeps, on any rxe: nothing wakes the side that they go to.
family UCX ucx-utils
for test in {tag,stream,ucp_am}_bw; do
	rate='$1 == "Final:" { print $7 }' program "ucx_perftest $test" '' \
		"script -qec 'ucx_perftest -p @PORT -E sleep' /dev/null" \
		"script -qec 'ucx_perftest @HOST -p @PORT -E sleep -t $test -s 65536 -n 1000 -w 100' /dev/null"
done

# fi_pingpong cannot sleep, and is not among these for that reason.
family fabtests libfabric-bin
if [[ -x $built/fi_rma_bw ]]; then
	for test in "fi_rma_bw -o write -e msg" "fi_msg_pingpong -c sread"; do
		rate='$1 == "64k" { print $5 + 0 }' program "${test%% *}" FI_VERBS_USE_ODP=1 \
			"@BUILT/$test -p verbs -S 65536 -I 1000 -w 50 -s @HOST -B @PORT" \
			"@BUILT/$test -p verbs -S 65536 -I 1000 -w 50 -P @PORT @HOST"
	done
fi
