# shellcheck shell=bash
# shellcheck disable=SC2154 # ./run and the files it sources share their variables
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# ./run docs: the manual pages, the kernel-doc comments of what is public and the pages of doc/ in build/docs,
# with an index. mandoc and kernel-doc are to have nothing to complain about, in what is not public either: a
# warning fails it. They run in the guest's root; kernel-doc is the one of Debian 13's kernel.

docs=$top/build/docs

# docs_tool: kernel-doc out of the kernel's source, kept beside the name of the version that it is of.
docs_tool() {
	local tool=$top/build/kernel-doc version
	version=$(image_kernel_version "$ODP_STABLE")
	[[ $(cat -- "$tool/version" 2>/dev/null) != "$version" ]] || return 0
	rm -rf -- "$tool"
	mkdir -p -- "$tool"
	step "Unpacking kernel-doc of Linux $version" "$top/build/logs/kernel-doc.log" \
		tar -xJf "$guest_dir/source/$ODP_STABLE.tar.xz" -C "$tool" --strip-components=2 --occurrence=1 \
		"linux-source-$ODP_STABLE/scripts/kernel-doc" ||
		die "The kernel's source could not be unpacked; ./run clean and a new ./run fetch it again."
	echo "$version" >"$tool/version"
}

# docs_script: what runs in the chroot. All that the tools say goes to standard error, and anything is too much.
docs_script() {
	cat <<'SCRIPT'
set -eu
cd /mnt/odp
out=build/docs
complaints=$out.log
: >"$complaints"
trap 'cat "$complaints" >&2' EXIT

# mandoc links to the pages that are in its folder, and to Debian's else.
cd man
for page in *.[1-9]; do
	target=$(sed -n 's|^\.so man[1-9]/||p' "$page")
	mandoc -T lint -W warning "${target:-$page}" >>"../$complaints" 2>&1 || :
	mandoc -T html -O "style=docs.css,man=%N.%S.html;https://manpages.debian.org/%N.%S" \
		"${target:-$page}" >"../$out/$page.html" 2>>"../$complaints"
done
cd ..

kernel_doc() {
	build/kernel-doc/kernel-doc -Werror -Wshort-desc -Wcontents-before-sections "$@" 2>>"$complaints"
}
# kernel_doc_page NAME TITLE: the page of the reStructuredText in NAME.rst.
kernel_doc_page() {
	awk -v title="$2" -f vm/docs.awk "$out/$1.rst" >"$out/$1.html"
	rm "$out/$1.rst"
}
rst() {
	kernel_doc -rst -sphinx-version 7.0 "$@"
}
rst libodp/include/infiniband/odp.h >"$out/libodp.rst"
kernel_doc_page libodp '<infiniband/odp.h>'
rst kernel/include/uapi/rdma/rxe_odp_abi.h >"$out/abi.rst"
rst kernel/include/uapi/rdma/odp_record_abi.h >>"$out/abi.rst"
kernel_doc_page abi '<rdma/rxe_odp_abi.h>'
# The functions stand where they are defined.
rst kernel/include/rdma/odp_mirror.h >"$out/engine.rst"
rst kernel/include/rdma/odp_events.h >>"$out/engine.rst"
rst -export $(grep -l '^EXPORT_SYMBOL' kernel/odp/*.c) >>"$out/engine.rst"
kernel_doc_page engine '<rdma/odp_mirror.h>'
kernel_doc -none $(grep -l '^/\*\*$' kernel/*/*.[ch])

cp README.md CONTRIBUTING.md CHANGELOG.md doc/*.md "$out"
cp vm/docs.css "$out/docs.css"

# link FILE TEXT: a line of the index.
link() {
	printf '<li><a href="%s">%s</a> %s</li>\n' "$1" "$2" "$3"
}
{
	printf '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>%s</title>\n' "$1"
	printf '<link rel="stylesheet" href="docs.css"></head><body><h1>%s</h1>\n' "$1"
	echo '<h2>Manual pages</h2><ul>'
	for page in $(printf '%s\n' man/*.[1-9] | sort -t . -k 2,2 -k 1,1); do
		grep -q '^\.so ' "$page" && continue
		name=${page##*/}
		link "$name.html" "${name%.*}(${name##*.})" "$(sed -n 's/^\.Nd //p' "$page")"
	done
	echo '</ul><h2>Interfaces, from kernel-doc</h2><ul>'
	link libodp.html '&lt;infiniband/odp.h&gt;' 'libodp'
	link abi.html '&lt;rdma/rxe_odp_abi.h&gt;' 'what the driver tells user space'
	link engine.html '&lt;rdma/odp_mirror.h&gt;' 'the engine, and how it works'
	echo '</ul><h2>More</h2><ul>'
	for page in README.md CONTRIBUTING.md CHANGELOG.md doc/*.md; do
		link "${page##*/}" "$(sed -n 's/^# //p; T; q' "$page")" ''
	done
	echo '</ul></body></html>'
} >"$out/index.html"

[ ! -s "$complaints" ]
SCRIPT
}

cmd_docs() {
	(($# == 0)) || die "docs takes no argument."
	parse_options
	guest_ready
	root_ready
	docs_tool
	rm -rf -- "$docs"
	mkdir -p -- "$docs"
	step "Making HTML of the manual and the interfaces" "$top/build/logs/docs.log" \
		in_root "$(docs_script)" "On-demand paging for SoftRoCE" ||
		die "mandoc or kernel-doc has something to complain about; build/logs/docs.log has all of it."
	say "build/docs/index.html is where to begin."
}
