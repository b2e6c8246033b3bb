#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
# Checks all manual pages with mandoc, and that what stands for another page
# names one that is there. Usage: man_lint.sh FOLDER-OF-PAGES
set -eu

status=0
for page in "$1"/*.[1-9]; do
	target=$(sed -n 's|^\.so man[1-9]/||p' "$page")
	if [ -z "$target" ]; then
		mandoc -T lint -W warning "$page" || status=1
	elif ! [ -e "$1/$target" ]; then
		echo "$page stands for $target, which is not there" >&2
		status=1
	fi
done
exit $status
