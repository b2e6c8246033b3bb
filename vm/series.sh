# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# ./run series: branches of a Linux tree, ready for git format-patch. One has the mends of the kernel's own rxe
# (kernel/upstream/mends), the other one the engine and an rxe that uses it (kernel/upstream/engine).

series_rxe=drivers/infiniband/sw/rxe
# All that the branches change.
series_paths=(drivers/infiniband include/rdma include/uapi/rdma Documentation/infiniband tools/testing/selftests MAINTAINERS)

# series_fixes TREE TITLE: the line that names the commit of that title.
series_fixes() {
	git -C "$1" log -1 --abbrev=12 --format='Fixes: %h ("%s")' --fixed-strings --grep="$2" -- "$series_rxe"
}

# series_message TREE FILE: the commit's message; where the tree's history does not go back far enough, without Fixes.
series_message() {
	local title
	title=$(sed -n 's/^Fixes: //p' "$2")
	sed '/^Fixes: /,$d' "$2"
	[[ ! $title ]] || series_fixes "$1" "$title"
}

# series_mends TREE: one commit for each file in kernel/upstream/mends.
series_mends() {
	local tree=$1 work=$top/build/series/mend mend name
	rm -rf -- "$work"
	mkdir -p -- "$work"
	for mend in "$top"/kernel/upstream/mends/*.cocci; do
		name=$(basename -- "$mend" .cocci)
		cp -- "$tree/$series_rxe/rxe_odp.c" "$work/"
		# shellcheck disable=SC2016 # for the inner shell
		step "Mending: $name" "$top/build/logs/series-$name.log" \
			in_root '/mnt/odp/kernel/upstream/mend /mnt/odp/build/series/mend "$1"' "$name" ||
			die "The mend $name does not fit; build/logs/series-$name.log says why."
		cp -- "$work/rxe_odp.c" "$tree/$series_rxe/"
		series_message "$tree" "${mend%.cocci}.txt" | git -C "$tree" commit -q -s -F - -- "$series_rxe/rxe_odp.c"
	done
}

# series_resolve TREE: our sources as that kernel has them, in build/series/ours.
series_resolve() {
	local work=$top/build/series
	rm -rf -- "$work/ours"
	mkdir -p -- "$work/ours"
	cp -- "$1/scripts/unifdef.c" "$work/"
	step "Resolving what differs between kernels" "$top/build/logs/series-resolve.log" \
		in_root 'cd /mnt/odp/build/series && cc -O1 -w -o unifdef unifdef.c &&
			/mnt/odp/kernel/upstream/engine/resolve "$PWD/unifdef" /mnt/odp/kernel "$PWD/ours"' ||
		die "The sources could not be resolved; build/logs/series-resolve.log says why."
}

# series_hooks TREE NAME...: puts hooks into the tree's rxe.
series_hooks() {
	local tree=$1 work=$top/build/series/rxe
	shift
	rm -rf -- "$work"
	mkdir -p -- "$work"
	cp -- "$tree/$series_rxe"/*.[ch] "$work/"
	in_root 'cd /mnt/odp/kernel/rxe/hooks && exec ../../apply-hooks /mnt/odp/build/series/rxe "$@"' "${@/%/.cocci}" ||
		return
	cp -- "$work"/*.[ch] "$tree/$series_rxe/"
}

# series_object TREE NAME...: objects at the end of rxe's.
series_object() {
	local file=$1/$series_rxe/Makefile name
	shift
	for name; do
		sed -i "s/^\\t[a-z_]*\\.o\$/& \\\\\\n\\t$name.o/" "$file"
		grep -q "$name" "$file" || return
	done
}

# series_awk FILE PROGRAM ARG...: makes the file anew.
series_awk() {
	local new=$top/build/series/new
	LC_ALL=C awk "${@:3}" -f "$top/kernel/upstream/engine/$2.awk" "$1" "$1" >"$new" || return
	! cmp -s -- "$1" "$new" || { say "$1 has no place for ${*:3}"; return 1; }
	cat -- "$new" >"$1"
}

# series_do TREE VERB ARG...: one line of a recipe.
series_do() {
	local tree=$1 ours=$top/build/series/ours verb=$2 from to
	shift 2
	case $verb in
	copy)
		to=$tree/${*: -1}
		from=("${@:1:$#-1}")
		mkdir -p -- "$(dirname -- "${to}x")"
		cp -- "${from[@]/#/$ours/}" "$to"
		;;
	append) cat -- "$ours/$1" >>"$tree/$2" ;;
	remove) rm -- "$tree/$1" ;;
	object) series_object "$tree" "$@" ;;
	sorted) series_awk "$tree/$1" sorted -v line="${*:2}" ;;
	maintainers)
		series_awk "$tree/MAINTAINERS" maintainers -v section="$ours/$1" \
			-v sender="$(git -C "$tree" var GIT_AUTHOR_IDENT | sed 's/>.*/>/')"
		;;
	*) say "There is no '$verb' in a recipe."; return 1 ;;
	esac
}

# series_edit TREE FILE SCRIPT: by sed, which must change something.
series_edit() {
	local before
	before=$(sha256sum <"$1/$2")
	sed -i -e "$3" "$1/$2"
	[[ $before != "$(sha256sum <"$1/$2")" ]] || { say "$2 has nothing for $3"; return 1; }
}

# series_patch TREE RECIPE: does what the lines before the first empty one say; the rest is the commit's message.
series_patch() {
	local tree=$1 recipe=$2 verb args words hooks=()
	while read -r verb args && [[ $verb ]]; do
		read -ra words <<<"$args"
		case $verb in
		hook) hooks+=("${words[@]}") ;;
		edit) series_edit "$tree" "${words[0]}" "${args#* }" || return ;;
		*) series_do "$tree" "$verb" "${words[@]}" || return ;;
		esac
	done <"$recipe"
	if ((${#hooks[@]})); then
		series_hooks "$tree" "${hooks[@]}" || return
	fi
	git -C "$tree" add -A -- "${series_paths[@]}"
	sed '1,/^$/d' "$recipe" | git -C "$tree" commit -q -s -F -
}

# series_complete: does some recipe name each of our files and hooks, but for what is left out, and some Makefile each of
# the objects?
series_complete() {
	local from=$top/kernel/upstream/engine file name status=0
	while read -r file; do
		grep -qE "(^| )$file( |\$)" "$from"/patches/* || { say "No recipe copies kernel/$file."; status=1; }
		name=$(basename -- "$file" .c)
		[[ ! $file =~ ^(odp|selftest)/.*\.c$ ]] || grep -qw "$name\.o" "$from/files/${file%/*}.Makefile" ||
			{ say "kernel/upstream/engine/files/${file%/*}.Makefile has no $name.o."; status=1; }
	done < <(cd -- "$top/kernel" && find odp rxe selftest include -name '*.[ch]' ! -name compat.h)
	while read -r file; do
		grep -q "^${file%.cocci}[[:space:]]" "$from/left-out" ||
			grep -qxF "hook ${file%.cocci}" "$from"/patches/* || { say "No recipe has the hook $file."; status=1; }
	done < <(cd -- "$top/kernel/rxe/hooks" && find -- *.cocci with-odp -name '*.cocci')
	return "$status"
}

# series_engine TREE: one commit for each recipe in kernel/upstream/engine/patches.
series_engine() {
	local tree=$1 recipe name
	series_complete || die "The recipes in kernel/upstream/engine are not complete."
	series_resolve "$tree"
	for recipe in "$top"/kernel/upstream/engine/patches/*; do
		name=$(basename -- "$recipe")
		step "Making the patch $name" "$top/build/logs/series-$name.log" series_patch "$tree" "$recipe" ||
			die "The patch $name does not fit; build/logs/series-$name.log says why."
	done
}

# series_has TREE BRANCH: is it there?
series_has() {
	git -C "$1" rev-parse -q --verify "refs/heads/$2" >/dev/null
}

# series_branch TREE BRANCH FUNCTION: makes the branch on what is checked out, and goes back to that.
series_branch() {
	local tree=$1 was
	! series_has "$tree" "$2" || die "$tree has a branch $2; delete or rename it."
	was=$(git -C "$tree" symbolic-ref -q --short HEAD || git -C "$tree" rev-parse HEAD)
	git -C "$tree" checkout -q -b "$2"
	"$3" "$tree"
	git -C "$tree" checkout -q "$was"
}

# series_checkout TREE COMMIT: what a build of it takes, in build/series/tree; what is as it was is not touched.
series_checkout() {
	local work=$top/build/series
	rm -rf -- "$work/archive"
	mkdir -p -- "$work/archive"
	git -C "$1" archive "$2" drivers/infiniband/sw include/rdma include/uapi/rdma | tar -x -C "$work/archive"
	"$top/kernel/sync-tree" "$work/archive" "$work/tree"
}

# series_compile KERNEL TARGET...: builds build/series/tree; any warning fails it. Files of the engine that no Makefile
# names yet are compiled, each for itself.
series_compile() {
	local log
	# shellcheck disable=SC2016 # for the inner shell
	log=$(in_root '
		tree=/mnt/odp/build/series/tree headers=$1
		sw=$tree/drivers/infiniband/sw
		shift
		build() {
			make -j"$(nproc)" -C "$headers" CONFIG_INFINIBAND_RDMAVT=n CONFIG_RDMA_SIW=n CONFIG_RDMA_RXE=m \
				CONFIG_RDMA_ODP=m CONFIG_RDMA_ODP_SELFTEST=m \
				KCFLAGS="-I$tree/include -I$tree/include/uapi -DCONFIG_RDMA_ODP_SELFTEST_MODULE=1" "$@"
		}
		if [ -e "$sw/odp/mirror.h" ] && ! [ -e "$sw/odp/Makefile" ] && cd "$sw/odp"; then
			objects=$(find . -name "*.c" ! -name "*.mod.c" -printf "%P " | sed "s/[.]c /.o /g")
			echo "obj-m := $objects" >Kbuild
			echo "ccflags-y := -I\$(src)" >>Kbuild
			[ ! "$objects" ] || build M="$sw/odp" $objects || exit
			rm Kbuild
		fi
		find "$sw" "(" -name "*.ko" -o -name Module.symvers ")" -delete
		build M="$sw" "$@"
	' "$(hooks_headers "$1")" "${@:2}" 2>&1) || { echo "$log"; return 1; }
	echo "$log"
	! grep -q 'warning:\|WARNING:' <<<"$log"
}

# series_commits KERNEL TREE BRANCH: does each commit build?
series_commits() {
	local kernel=$1 tree=$2 commit
	for commit in $(git -C "$tree" rev-list --reverse "HEAD..$3"); do
		series_checkout "$tree" "$commit"
		step "Building $(git -C "$tree" log -1 --format=%s "$commit")" "$top/build/logs/series-build.log" \
			series_compile "$kernel" modules ||
			die "That commit does not build; build/logs/series-build.log says why."
	done
}

# series_modules FOLDER: what was built last, into build/series/FOLDER.
series_modules() {
	local to=$top/build/series/$1
	rm -rf -- "$to"
	mkdir -p -- "$to"
	find "$top/build/series/tree" -name '*.ko' -exec cp -t "$to" -- {} +
	in_root 'cd "/mnt/odp/build/series/$1" && strip --strip-debug ./*.ko' "$1"
}

# series_try TREE [NAME...]: builds each commit, and runs tests in the guest: those of the names on the engine's branch,
# rdma-core's and ours of pyverbs on the one with the mends.
series_try() {
	local tree=$1 kernel status=0
	shift
	kernel=$(sed -n 's/^VERSION = //p; s/^PATCHLEVEL = /./p' "$tree/Makefile" | head -n 2 | tr -d '\n')
	image_has_kernel "$kernel"
	prepare "$kernel"
	series_commits "$kernel" "$tree" rxe-odp-mends
	series_modules mended
	series_commits "$kernel" "$tree" rxe-odp-engine
	series_modules modules
	guest_modules=build/series/modules boot_exec "$kernel" "$top" ctest --test-dir "/mnt/odp/build/$kernel" \
		--output-on-failure --no-tests=error -R "$(IFS='|'; echo "${*:-.}")" || status=1
	boot_exec "$kernel" "$top" python3 /mnt/odp/pyverbs-tests/upstream_mended.py \
		"/mnt/odp/build/$kernel/pyverbs-tests/upstream" /mnt/odp/build/series/mended/rdma_rxe.ko || status=1
	return "$status"
}

cmd_series() {
	local try=0 args=() word
	for word; do
		if [[ $word == --test ]]; then
			try=1
		else
			args+=("$word")
		fi
	done
	parse_options "${args[@]}"
	((${#rest[@]} == 1 || (try && ${#rest[@]}))) ||
		die "series takes a Linux tree: ./run series LINUX_TREE; ./run help shows how."
	local tree=${rest[0]}
	git -C "$tree" rev-parse --git-dir >/dev/null 2>&1 || die "$tree is no git tree; give a clone of Linux."
	[[ -e $tree/$series_rxe/rxe_odp.c ]] || die "$tree has no $series_rxe/rxe_odp.c; give a Linux of 6.16 or later."
	[[ ! $(git -C "$tree" status --porcelain -- "${series_paths[@]}") ]] ||
		die "$tree has changes in what the series changes; commit or stash them."
	guest_ready
	root_ready
	if ((!try)) || ! series_has "$tree" rxe-odp-engine; then
		series_branch "$tree" rxe-odp-mends series_mends
		series_branch "$tree" rxe-odp-engine series_engine
		say "$tree has new branches, rxe-odp-mends and rxe-odp-engine; doc/upstream/kernel.md says what to do with them."
	fi
	if ((try)); then
		series_try "$tree" "${rest[@]:1}"
	fi
}
