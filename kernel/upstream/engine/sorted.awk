# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# awk -v line='TARGETS += x' -f sorted.awk FILE FILE: puts a line where it belongs among those that begin with the same
# word.
BEGIN { split(line, word, " ") }
NR == FNR { next }
!done && $1 == word[1] && $0 > line { print line; done = 1 }
{ print }
