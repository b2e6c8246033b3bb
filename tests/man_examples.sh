#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
# Compiles the example of every manual page of section 3. Usage:
# man_examples.sh FOLDER-OF-PAGES COMPILER FLAG...
set -eu

pages=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

for page in "$pages"/*.3; do
	# mdoc(7) writes \- for a minus and \e for a backslash.
	sed -n '/^\.Bd -literal/,/^\.Ed/ { /^\./d; s/\\-/-/g; s/\\e/\\/g; p }' \
		"$page" > "$dir/example.c"
	if ! [ -s "$dir/example.c" ]; then
		echo "$page has no example" >&2
		exit 1
	fi
	echo "$page"
	"$@" -Wall -Wextra -Werror -c -o "$dir/example.o" "$dir/example.c"
done
