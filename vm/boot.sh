# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# Boots the guest under QEMU and waits for it.
#
# Between host and guest stands one folder per run (build/run/..., in the guest /run/odp): the host
# puts the command there (argv, env, cwd, options), the guest puts there booted, status and dmesg.
# Output comes through virtio-serial ports into files of that folder, which never make the guest wait,
# and from there through tail to the caller. The kernel's console is one more file.

run_dir='' qemu_pid='' qemu=() qemu_args=() guest_devices=()

boot_cleanup() {
	if [[ $qemu_pid ]]; then
		kill -KILL "$qemu_pid" 2>/dev/null || true
		wait "$qemu_pid" 2>/dev/null || true
	fi
	[[ ! $run_dir ]] || rm -rf -- "$run_dir"
}

# boot_exec KERNEL CWD CMD...: runs CMD in a guest; the status is CMD's, or 99.
boot_exec() {
	local kernel=$1 cwd=$2 try status
	shift 2
	boot_run_dir "$kernel" "$cwd" "$@"
	for try in 1 2 3; do
		status=0
		boot_once "$kernel" "$cwd" || status=$?
		((status == 98)) || break
		say "The guest did not start (try $try of 3)."
	done
	if ((status == 98)); then
		boot_report "$kernel" "The guest never started."
		status=99
	fi
	boot_cleanup
	run_dir='' qemu_pid=''
	return "$status"
}

boot_shell() {
	local kernel=$1 cwd=$2 status=0
	boot_run_dir "$kernel" "$cwd" bash -i
	printf '%s\n' "$(stty size)" "${TERM:-linux}" >"$run_dir/terminal"
	boot_qemu "$kernel" "$cwd" \
		-chardev "stdio,id=terminal,signal=off" -device "virtconsole,chardev=terminal"
	say "Starting the guest; exit or ctrl-d leaves it."
	TMPDIR=$run_dir "${qemu_args[@]}" || status=$?
	stty sane
	boot_judge "$kernel" || status=$?
	boot_cleanup
	return "$status"
}

# boot_run_dir KERNEL CWD CMD...: makes the folder between host and guest.
boot_run_dir() {
	local kernel=$1 cwd=$2 name merge=0
	shift 2
	[[ ! /dev/fd/1 -ef /dev/fd/2 ]] || merge=1
	[[ ! $cwd =~ ^/((bin|boot|dev|etc|lib|lib32|lib64|proc|sbin|sys|usr|run/odp)(/.*)?|run|mnt)?$ ]] ||
		die "$cwd is a folder of the guest's own system and cannot be shared with it; start ./run from another folder."
	mkdir -p -- "$top/build/run"
	run_dir=$(mktemp -d -- "$top/build/run/XXXXXX")
	trap boot_cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	printf '%s' "$cwd" >"$run_dir/cwd"
	printf '%s\0' "$@" >"$run_dir/argv"
	for name in $(compgen -e | grep -E '^(ODP|RXE)_'); do
		printf '%s=%s\0' "$name" "${!name}"
	done >"$run_dir/env"
	printf '%s\n' "kernel=$kernel" "stock=$guest_stock" "merge=$merge" "icount=$guest_icount" \
		"modules=${guest_modules:-build/$kernel/modules}" >"$run_dir/options"
	mkfifo -- "$run_dir"/monitor.{in,out}
}

# boot_qemu_command: puts into `qemu` how to start the QEMU of the guest's own root, with its own loader and libraries.
# The host's may be old: that of Debian 12 leaves half a pointer in EFLAGS after a cmpxchg16b, and loses what another
# processor writes to a device, such as the end of an interrupt, while a PCI device's memory comes or goes.
boot_qemu_command() {
	local root=$guest_dir/root libraries
	libraries=$root/usr/lib/x86_64-linux-gnu
	qemu=(env "QEMU_MODULE_DIR=$libraries/qemu" "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries"
		"$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios")
}

# boot_qemu KERNEL CWD ARG...: puts QEMU's command line into qemu_args. What guest_devices has is in it.
boot_qemu() {
	local kernel=$1 cwd=$2 dir debug='' emulated=norandmaps cpu=max,-erms,-fsrm accel
	shift 2
	# TCG translates code anew for every address that it runs at: programs are several times slower to start
	# if these are random. And each store to a page that had code walks all that was ever translated from it:
	# to clear a huge page byte by byte was seen to take 78 s, a soft lockup. So it is done by words.
	accel=(-accel "tcg,thread=multi" -cpu "$cpu")
	dir=$(image_kernel_dir "$kernel")
	# identify_cpu() clears the bit that says how many page table levels there are, for a moment: KASAN then
	# takes the five-level addresses that an interrupt uses for wild ones. So the debug kernel gets four.
	if [[ $guest_checked == debug ]]; then
		debug="no5lvl page_poison=1 kmemleak=on stack_depot_disable=off"
	fi
	if ((guest_icount)); then
		accel=(-accel "tcg,thread=single" -cpu "$cpu" -icount "shift=0,sleep=off,align=off")
	elif grep -qwE 'vmx|svm' /proc/cpuinfo && [[ -r /dev/kvm && -w /dev/kvm ]]; then
		accel=(-accel kvm -cpu host)
		emulated=''
	fi
	boot_qemu_command
	qemu_args=(
		"${qemu[@]}" -M q35,nvdimm=on "${accel[@]}" -smp "$guest_smp" -m "$guest_mem,slots=1,maxmem=$(boot_max_mem)"
		-nodefaults -no-user-config -no-reboot -display none
		-kernel "$dir/vmlinuz" -initrd "$dir/initramfs"
		-append "console=ttyS0 quiet loglevel=5 log_buf_len=8M panic=-1 oops=panic mitigations=off rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30 unknown_nmi_panic panic_print=1 tsc=reliable intel_iommu=on memmap=2M\$0x10000000 $emulated $debug ${ODP_CMDLINE:-}"
		-chardev "file,id=console,path=$(qemu_path "$run_dir/console")" -serial chardev:console
		-drive "file=$(qemu_path "$guest_dir/root.ext4"),format=raw,if=virtio,snapshot=on"
		-chardev "pipe,id=monitor,path=$(qemu_path "$run_dir/monitor")" -mon chardev=monitor,mode=control
		-device virtio-rng-pci
		-device "intel-iommu,intremap=off"
		-object "memory-backend-ram,id=pmem,size=512M" -device "nvdimm,memdev=pmem"
		-device edu -device "nvme,serial=odp,cmb_size_mb=4"
		-object "memory-backend-ram,id=shm,size=1G,share=on" -device "ivshmem-plain,memdev=shm"
		-device "virtio-serial-pci,ioeventfd=off"
	)
	local port share
	for port in out err; do
		: >"$run_dir/$port"
		qemu_args+=(-chardev "file,id=$port,path=$(qemu_path "$run_dir/$port")"
			-device "virtserialport,chardev=$port,name=$port")
	done
	for share in odp:"$top" cwd:"$cwd" run:"$run_dir"; do
		qemu_args+=(-virtfs "local,mount_tag=${share%%:*},path=$(qemu_path "${share#*:}"),security_model=none,multidevs=remap")
	done
	[[ ! ${ODP_QEMU_PLUGIN:-} ]] || qemu_args+=(-plugin "$ODP_QEMU_PLUGIN")
	qemu_args+=("${guest_devices[@]}" "$@")
}

# qemu_path PATH: a comma in a value of QEMU's options is written twice.
qemu_path() {
	printf '%s' "${1//,/,,}"
}

# boot_max_mem: the guest's memory, and room for the NVDIMM.
boot_max_mem() {
	local mem=${guest_mem/G/ * 1024}
	echo "$((${mem/M/} + 1024))M"
}

# boot_limit: seconds within which a guest is up, far more than it takes on a busy machine.
boot_limit() {
	if [[ $guest_checked ]]; then
		echo 900
	else
		echo 120
	fi
}

# boot_once KERNEL CWD: starts the guest and waits; 98 means that it never came up.
boot_once() {
	local kernel=$1 start=$SECONDS limit=${ODP_TIMEOUT:-${guest_checked:+5400}} tails=()
	limit=${limit:-2700}
	rm -f -- "$run_dir"/{booted,status,dmesg,console}
	boot_qemu "$kernel" "$2"
	TMPDIR=$run_dir setpriv --pdeathsig KILL "${qemu_args[@]}" </dev/null >"$run_dir/qemu" 2>&1 &
	qemu_pid=$!
	tail -s 0.1 -c +1 -f --pid="$qemu_pid" -- "$run_dir/out" &
	tails+=($!)
	tail -s 0.1 -c +1 -f --pid="$qemu_pid" -- "$run_dir/err" >&2 &
	tails+=($!)
	local hung=''
	while sleep 0.2 && kill -0 "$qemu_pid" 2>/dev/null; do
		if [[ ! -e $run_dir/booted ]] && ((SECONDS - start > $(boot_limit))); then
			hung=1
		elif ((SECONDS - start > limit)); then
			hung=1
		else
			continue
		fi
		boot_ask
		kill -KILL "$qemu_pid" 2>/dev/null || true
		break
	done
	wait "$qemu_pid" 2>/dev/null || true
	wait "${tails[@]}"
	qemu_pid=''
	# Nothing of ours runs before it is up. Under TCG the kernel's patching of its own code (static keys)
	# has been seen to end a start with an "int3" oops.
	if [[ ! -e $run_dir/booted ]]; then
		return 98
	fi
	if [[ $hung ]]; then
		boot_report "$kernel" "The guest was given up after $limit s (ODP_TIMEOUT changes that)." "$(boot_where)"
		return 99
	fi
	boot_judge "$kernel"
}

# boot_ask: where are the processors of a guest that does not end? QEMU has their registers; an NMI has the kernel
# panic, which then tells of all its tasks and is the end of QEMU.
boot_ask() {
	local command
	for command in '"qmp_capabilities"' '"human-monitor-command", "arguments": {"command-line": "info registers -a"}' \
		'"inject-nmi"'; do
		printf '{"execute": %s}\n' "$command"
	done 1<>"$run_dir/monitor.in"
	timeout 60 cat -- "$run_dir/monitor.out" >"$run_dir/monitor" || true
}

# boot_where: the last that its command said, and what came of boot_ask.
boot_where() {
	tail -n 3 -- "$run_dir/out"
	sed 's/\\r\\n/\n/g' -- "$run_dir/monitor" | grep -aE '^(CPU#|RIP=)'
	tr -d '\r' <"$run_dir/console" | grep -aE -A 40 '(Uhhuh|NMI:|Kernel panic)' | head -n 60
}

# boot_judge KERNEL: the run's status, after QEMU has ended.
boot_judge() {
	local kernel=$1 log bad
	# What came after the guest wrote its log, or instead of it, is on the console only.
	for log in dmesg console; do
		bad=$(tr -d '\r' 2>/dev/null <"$run_dir/$log" | grep -aE -A 24 -f "$top/vm/kernel-log-patterns" || true)
		if [[ $bad ]]; then
			boot_report "$kernel" "The guest's kernel log has this:" "$(head -n 60 <<<"$bad")"
			return 99
		fi
	done
	if [[ ! -s $run_dir/status ]]; then
		boot_report "$kernel" "The guest died."
		return 99
	fi
	return "$(<"$run_dir/status")"
}

# boot_report KERNEL SENTENCE [LINES]: says what went wrong and keeps the logs.
boot_report() {
	local kernel=$1 sentence=$2 lines=${3:-} log=$top/build/logs/guest-$1.log
	[[ $lines ]] || lines=$(tail -n 20 -- "$run_dir/qemu" "$run_dir/console" 2>/dev/null | tr -d '\r')
	mkdir -p -- "$top/build/logs"
	cat -- "$run_dir"/{qemu,monitor,console,dmesg} >"$log" 2>/dev/null || true
	say "$sentence"
	printf '%s\n' "$lines" | sed 's/^/    /' >&2
	say "The whole log is in build/logs/guest-$kernel.log."
}
