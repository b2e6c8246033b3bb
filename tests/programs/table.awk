# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# A table, in Markdown, of what tests/programs/try wrote, with the reasons below it, and how many of each family pass.
# Fails if something fails that passes in the first column, which is the distribution's, or if nothing was run, or if more
# than `limit` times as many packets were sent anew in a column as in the first.
BEGIN {
	FS = "\t"
	title["stock"] = "pinned, the kernel's rxe"
	title["ours"] = "pinned, ours"
	title["switch"] = "its switch"
	title["force"] = "forced"
	title["force-force"] = "forced, both"
	title["force-stock"] = "forced, to the kernel's rxe"
	title["stock-force"] = "from the kernel's rxe, forced"
}

$1 == "family" {
	version[$2] = $3
	next
}

{
	key = $2 SUBSEP $3
	if (!(key in seen)) {
		seen[key] = 1
		order[++rows] = key
	}
	if (!($1 in known)) {
		known[$1] = 1
		column[++columns] = $1
	}
	verdict[key, $1] = $4
	anew[$1] += $6
	if ($4 == "FAIL")
		why[key, $1] = $8
}

# The first two lines of a table.
function head(what,	line, rule, c) {
	line = "| " what " |"
	rule = "| --- |"
	for (c = 1; c <= columns; c++) {
		line = line " " title[column[c]] " |"
		rule = rule " --- |"
	}
	print line
	print rule
}

END {
	head("program")
	for (i = 1; i <= rows; i++) {
		split(order[i], part, SUBSEP)
		if (part[1] != family) {
			family = part[1]
			families[++nr_families] = family
			printf "| **%s**%s |", family, version[family] ? " (" version[family] ")" : ""
			for (c = 1; c <= columns; c++)
				printf " |"
			print ""
		}
		printf "| %s |", part[2]
		for (c = 1; c <= columns; c++) {
			is = verdict[order[i], column[c]]
			passed[family, c] += is == "ok"
			all[family, c] += is ~ /ok|FAIL/
			if (is == "FAIL") {
				notes[++failures] = part[2] ", " title[column[c]] ": " why[order[i], column[c]]
				lost += verdict[order[i], column[1]] == "ok"
			}
			printf " %s |", is == "FAIL" ? "fails (" failures ")" : is
		}
		print ""
	}
	line = "| packets sent anew |"
	for (c = 1; c <= columns; c++)
		line = line " " anew[column[c]] + 0 " |"
	print line
	print ""
	for (i = 1; i <= failures; i++)
		printf "%d. %s\n", i, notes[i]
	if (failures)
		print ""
	head("family")
	for (i = 1; i <= nr_families; i++) {
		line = "| " families[i] " |"
		for (c = 1; c <= columns; c++) {
			family = families[i] SUBSEP c
			line = line (all[family] ? " " passed[family] " of " all[family] " |" : " - |")
		}
		print line
	}
	print ""
	for (c = 2; limit && c <= columns; c++) {
		if (anew[column[c]] > limit * anew[column[1]]) {
			printf "%s: more than %s times as many packets were sent anew.\n", title[column[c]], limit
			lost++
		}
	}
	if (!rows)
		print "No program was run."
	exit lost > 0 || !rows
}
