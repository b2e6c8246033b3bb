#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
# Takes the example out of a manual page of section 3. Usage:
# man_example.sh PAGE FILE
set -eu

# mdoc(7) writes \- for a minus and \e for a backslash.
sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$1" |
	sed -n '/^\.Bd -literal/,/^\.Ed/ { /^\./d; s/\\-/-/g; s/\\e/\\/g; p }' > "$2"
if ! [ -s "$2" ]; then
	echo "$1 has no example" >&2
	exit 1
fi
