#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# The program that README.md begins with is one that compiles and does what is said there.
#
#	readme.sh code README FILE		puts it into FILE
#	readme.sh check README PROGRAM		it prints what stands below it
set -eu

# block KIND README: the first block of that kind.
block() {
	awk -v start="\`\`\`$1" '$0 == start { on = 1; next } on && /^```/ { exit } on' "$2"
}

case $1 in
code)
	block c "$2" >"$3"
	[ -s "$3" ]
	;;
check)
	want=$(block text "$2")
	printed=$("$3")
	echo "$printed"
	[ "$want" ] && [ "$printed" = "$want" ]
	;;
esac
