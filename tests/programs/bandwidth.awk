# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# A table, in Markdown, of what tests/programs/try --rounds wrote: the median bandwidth of each program with pinned memory
# and forced on demand, both on ours, and their quotient. Fails if one is below `goal`, or if something failed or told
# no bandwidth, or if nothing was run.
BEGIN {
	FS = "\t"
}

$1 == "family" {
	next
}

{
	if (!($3 in nr))
		order[++rows] = $3
	nr[$3]++
	if ($4 != "ok") {
		why[$3] = $1 ": " $8
		next
	}
	rate[$3, $1, ++samples[$3, $1]] = $9 + 0
}

# The median of the samples of a program in a column.
function median(name, column,	n, i, j, t, v) {
	n = samples[name, column]
	for (i = 1; i <= n; i++) {
		t = rate[name, column, i]
		for (j = i - 1; j > 0 && v[j] > t; j--)
			v[j + 1] = v[j]
		v[j + 1] = t
	}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

END {
	print "| program | pinned | forced on demand | forced / pinned |"
	print "| --- | --- | --- | --- |"
	for (i = 1; i <= rows; i++) {
		name = order[i]
		if (name in why) {
			notes[++failures] = name ", " why[name]
			printf "| %s | | | fails (%d) |\n", name, failures
			continue
		}
		pinned = median(name, "ours")
		forced = median(name, "force")
		ratio = pinned > 0 ? forced / pinned : 0
		printf "| %s | %.1f | %.1f | %.3f%s |\n", name, pinned, forced, ratio, ratio < goal ? ", too little" : ""
		below += ratio < goal
	}
	print ""
	for (i = 1; i <= failures; i++)
		printf "%d. %s\n", i, notes[i]
	if (!rows)
		print "No program was run."
	exit below > 0 || failures > 0 || !rows
}
