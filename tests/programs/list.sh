# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # tests/programs/try sources this
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# The programs that tests/programs/try runs. Each is one of
#
#	program NAME SWITCH SERVER CLIENT	the server ends by itself
#	daemon NAME SWITCH SERVER CLIENT	the server is ended after the client
#	spread NAME SWITCH COMMAND		it starts its server itself
#	alone NAME SWITCH COMMAND		the same, on one host only
#
# SWITCH is how its user asks it for on-demand memory: words, which stand for @ODP in the commands, or VAR=VALUE
# for its environment; or nothing, if there is no way. @HOST and @PORT are the server's address and a port of its own, @OWN
# is the client's address.
# With unforced=REASON, what it registers cannot be forced on demand.

perf=(-d rxe0 -x 1 -F -p @PORT)

# perftest WHAT TOOL OPTION...
perftest() {
	local name="$2${1:+, $1}" switch=--odp command
	# There, a page that is not there yet is a packet that is lost: no device offers that.
	[[ $1 != UC ]] || switch=''
	shift
	command="$* ${perf[*]} @ODP"
	program "$name" "$switch" "$command" "$command @HOST"
}

family perftest perftest
for tool in ib_{write,read,send,atomic}_{bw,lat}; do
	perftest '' "$tool" -n 200
done
for tool in ib_{write,send}_{bw,lat}; do
	perftest UC "$tool" -c UC -n 200
done
perftest UD ib_send_bw -c UD -n 200 -s 1024
perftest UD ib_send_lat -c UD -n 200 -s 1024
for tool in ib_{write,read,send}_bw; do
	perftest "all sizes" "$tool" -a -n 5
done
perftest "4 queue pairs" ib_write_bw -q 4 -n 100
perftest "both ways" ib_write_bw -b -n 200
perftest "both ways" ib_send_bw -b -n 200
perftest "huge pages" ib_write_bw --use_hugepages -s 2097152 -n 10
# Refused once, as happens on a busy machine, its client comes again and uses what it has freed.
for tool in ib_{write_bw,read_bw,send_lat}; do
	tries=$((tries + 1)) perftest "rdma_cm" "$tool" -R -n 200
done
perftest "SRQ" ib_send_bw --use-srq -n 200

family rdma-core ibverbs-utils rdmacm-utils
for way in -o '-o -P' '-o -O' '-o -O -P'; do
	program "ibv_rc_pingpong $way" "$way" "ibv_rc_pingpong -d rxe0 -g 1 -c -n 200 -p @PORT @ODP" \
		"ibv_rc_pingpong -d rxe0 -g 1 -c -n 200 -p @PORT @ODP @HOST"
done
for kind in uc ud srq; do
	options=
	[[ $kind != ud ]] || options='-s 1024'
	program "ibv_${kind}_pingpong" '' "ibv_${kind}_pingpong -d rxe0 -g 1 -n 200 $options -p @PORT" \
		"ibv_${kind}_pingpong -d rxe0 -g 1 -n 200 $options -p @PORT @HOST"
done
program "rping, checking" '' "rping -s -V -C 50 -S 4000 -a @HOST -p @PORT" "rping -c -V -C 50 -S 4000 -a @HOST -p @PORT"
program ucmatose '' "ucmatose -b @HOST -p @PORT -c 4 -C 20 -S 10000" "ucmatose -s @HOST -p @PORT -c 4 -C 20 -S 10000"
program udaddy '' "udaddy -b @HOST -C 20 -S 1000" "udaddy -s @HOST -C 20 -S 1000"
program "rstream, checking" '' "rstream -b @HOST -p @PORT -S 65536 -I 2 -C 5 -T v" "rstream -s @HOST -p @PORT -S 65536 -I 2 -C 5 -T v"
program "riostream, checking" '' "riostream -b @HOST -p @PORT -S 65536 -I 2 -C 5 -T v" \
	"riostream -s @HOST -p @PORT -S 65536 -I 2 -C 5 -T v"
# Where both sides shut down at once, one of them can be gone before it has answered the other's last message, and rxe
# takes rsockets' retry_cnt of 7 as for ever: so one of dozens has no end, with pinned memory on the distribution's rxe, too.
rcopy="rcopy @DATA @HOST:/tmp/odp-rcopy -p @PORT"
daemon rcopy '' "rcopy -p @PORT" \
	"{ timeout 15 $rcopy || timeout 15 $rcopy || $rcopy; } && at_server 'cat /tmp/odp-rcopy' | cmp @DATA -"
# In the end it connects queue pairs that there are not; of one host, the two sides must not make up the same.
unforced="it registers no memory" program cmtime '' "cmtime -b @HOST -p @PORT -q 5000 -c 10" "cmtime -s @HOST -p @PORT -c 10"
# Its sender takes away what it sends with while rxe is at it: of ten messages often one gets there. So it sends more.
program mckey '' "mckey -m 239.1.1.1 -b @HOST -C 10" "mckey -m 239.1.1.1 -b @OWN -s -C 5000"

family qperf qperf
for test in rc_lat rc_bw rc_rdma_write_bw rc_rdma_read_lat ud_lat uc_bw ver_rc_compare_swap ver_rc_fetch_add; do
	daemon "qperf $test" '' "qperf -lp @PORT" "qperf -lp @PORT -cm1 -t 1 @HOST $test"
done

# Without --thread, its jobs are sessions of their own, and not ended with it. Its sends have an rnr_retry of 0 and go out
# before its receiver has posted anything: on a busy machine they never get there, pinned on any rxe.
family fio fio
for verb in write read; do
	program "fio, rdma $verb" '' \
		"fio --name=s --thread --ioengine=rdma --port=@PORT --rw=read --verb=recv --bs=64k --size=4m --iodepth=4" \
		"fio --name=c --thread --ioengine=rdma --hostname=@HOST --port=@PORT --rw=write --verb=$verb --bs=64k --size=4m --iodepth=4"
done

family UCX ucx-utils
for test in ucp_{put_bw,put_lat,get,am_bw,fadd,cswap} {tag,stream}_{bw,lat}; do
	size=65536
	[[ $test != *@(fadd|cswap) ]] || size=8
	# What the others register stays pinned with it.
	switch=''
	[[ $test != ucp_@(put|get)* ]] || switch=UCX_REG_NONBLOCK_MEM_TYPES=host
	program "ucx_perftest $test" "$switch" "script -qec 'ucx_perftest -p @PORT' /dev/null" \
		"script -qec 'ucx_perftest @HOST -p @PORT -t $test -s $size -n 200 -w 5' /dev/null"
done

family libfabric libfabric-bin
for size in 64 65536 1048576; do
	times=50 seconds=$limit
	# Over a bad wire, each packet that gets lost costs half a second, so the way rdma_cm connects: a minute, or more.
	[[ ! $netem || $size != 1048576 ]] || times=5 seconds=180
	pingpong="-c -I $times -S $size"
	limit=$seconds program "fi_pingpong msg, $size" FI_VERBS_USE_ODP=1 "fi_pingpong -p verbs -e msg $pingpong -B @PORT" \
		"fi_pingpong -p verbs -e msg $pingpong -P @PORT @HOST"
	limit=$seconds FI_UNIVERSE_SIZE=2 program "fi_pingpong rdm, $size" FI_VERBS_USE_ODP=1 \
		"fi_pingpong -p 'verbs;ofi_rxm' -e rdm $pingpong -B @PORT" \
		"fi_pingpong -p 'verbs;ofi_rxm' -e rdm $pingpong -P @PORT @HOST"
done

# fabtest PROGRAM OPTION...: of the source of the same version. Without sizes, most register more at once than rxe pins.
fabtest() {
	local name="$*"
	name=${name%% -p *}
	[[ ! -x $built/$1 ]] || program "$name" FI_VERBS_USE_ODP=1 "@BUILT/$* -s @HOST -B @PORT" "@BUILT/$* -P @PORT @HOST"
}

# With -v, they compare data.
family fabtests libfabric-bin
sizes="-I 20 -S l:1,100,4097,65536,300001"
fabtest fi_msg_pingpong -v -p verbs "$sizes"
fabtest fi_msg_bw -v -p verbs "$sizes"
fabtest fi_cq_data -o senddata -e msg -p verbs
fabtest fi_rma_pingpong -o writedata -e msg -p verbs -v "$sizes"
export FI_UNIVERSE_SIZE=2
# Over rdm, the end of a connection comes before its last messages have been seen, now and then, and libfabric goes for
# what is no more: one of dozens of runs on a busy machine, with pinned memory on the distribution's rxe, too.
for test in pingpong bw tagged_pingpong tagged_bw; do
	tries=$((tries + 1)) fabtest "fi_rdm_$test" -v -p "'verbs;ofi_rxm'" "$sizes"
done
for verb in write read "writedata -v"; do
	fabtest fi_rma_bw -e msg -o "$verb" -p verbs "$sizes"
	tries=$((tries + 1)) fabtest fi_rma_bw -e rdm -o "$verb" -p "'verbs;ofi_rxm'" "$sizes"
done
tries=$((tries + 1)) fabtest fi_rdm_atomic -o all -v -p "'verbs;ofi_rxm'" -I 5 -S 1024

family MPI openmpi-bin mpich python3-mpi4py
ompi="mpirun.openmpi --allow-run-as-root -np 2"
if [[ $peer ]]; then
	# One rank on each. Unless told otherwise it cuts addresses at their first dot, and takes both for the same host.
	ompi+=" --prtemca prte_keep_fqdn_hostnames 1 --map-by node:OVERSUBSCRIBE --host $own,$peer"
	ompi+=" --mca plm_rsh_agent $here/launch --mca oob_tcp_if_include eth0"
else
	ompi+=" --oversubscribe"
fi
over_ucx="$ompi --mca pml ucx --mca osc ucx --mca btl ^openib,vader,sm,tcp"
spread "Open MPI over UCX" UCX_REG_NONBLOCK_MEM_TYPES=host "$over_ucx @BUILD/program_openmpi"
# Over a bad wire one round is enough: some thirty packets get lost, at half a second each, as above.
limit=240 spread "Open MPI over libfabric" FI_VERBS_USE_ODP=1 \
	"FI_UNIVERSE_SIZE=2 $ompi --mca pml cm --mca mtl ofi --mca mtl_ofi_provider_include 'verbs;ofi_rxm' \
	@BUILD/program_openmpi messages ${netem:+1}"
alone "MPICH over UCX" UCX_REG_NONBLOCK_MEM_TYPES=host \
	"MPIR_CVAR_NOLOCAL=1 mpirun.mpich -np 2 @BUILD/program_mpich"
spread "mpi4py over UCX" UCX_REG_NONBLOCK_MEM_TYPES=host "$over_ucx python3 @HERE/python_mpi.py"
# Its tests of windows do not end, and those of pickles crash in MPI_Waitall(), with pinned memory on any rxe, too. Between
# two emulated hosts the others take too long.
[[ ! -e $built/mpi4py-tests ]] || limit=300 alone "mpi4py's own tests" UCX_REG_NONBLOCK_MEM_TYPES=host \
	"$over_ucx python3 @BUILT/mpi4py-tests/main.py -f -i test_p2p_buf -i test_cco_buf"

# Its server forks in the midst of it, so faults are slow now and then. It has its clients give up at the first RNR NAK
# (rnr_retry 0). Forced, ours come again all the same; of the distribution's rxe, a client of a forced server gives up.
if [[ -x $built/rdma-test ]]; then
	family valkey
	tries=$((tries + 2)) daemon "valkey, its rdma-test" '' \
		"@BUILT/valkey-server --port 0 --rdma-port @PORT --rdma-bind @HOST --save '' --dir /tmp --protected-mode no" \
		"@BUILT/rdma-test -t 4 -m 100 -M 200 -h @HOST -p @PORT"
fi

family kernel nvme-cli nfs-kernel-server
by_kernel="the kernel registers for itself"
unforced=$by_kernel daemon "NVMe over RDMA, checking" '' "@HERE/nvme serve @HOST @PORT" "@HERE/nvme use @HOST @PORT"
unforced=$by_kernel daemon "NFS over RDMA, checking" '' "@HERE/nfs serve @HOST @PORT" "@HERE/nfs use @HOST @PORT"
# RDS asks for on-demand memory of what cannot be pinned: files on an NVDIMM. (Without @ODP, / is a mount point.) With an
# iova that is not the address, as RDS wants it there, the on-demand memory of the distribution's rxe may crash the kernel.
unforced=$by_kernel program "RDS, messages and RDMA" /tmp/odp-dax \
	"modprobe rds_rdma && { mountpoint -q /@ODP || @HERE/../lib/dax-mount ext4 @ODP; } && @BUILD/test_rds server @HOST @PORT @ODP" \
	"modprobe rds_rdma && @BUILD/test_rds client @HOST @PORT @ODP"
# Within a host, SMC does without RDMA; and not every kernel has it.
if [[ $peer ]] && modprobe -qn smc; then
	unforced=$by_kernel program "SMC-R" '' "modprobe smc && @BUILD/test_smc server @HOST @PORT" \
		"modprobe smc && @BUILD/test_smc client @HOST @PORT"
fi

family ours
limit=300 program "grid of offsets, lengths and MTUs" WIRE_ODP=1 "@BUILD/test_wire server @PORT" \
	"${netem:+WIRE_PACKETS=80 }@BUILD/test_wire client @HOST @PORT"
