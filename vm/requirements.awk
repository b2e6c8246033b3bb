#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# Prints which tests prove which requirement, from the log of a whole ctest
# run: every cmocka test whose name begins with R and a number, and every test of
# Python's unittest that is so named after "test_". Exits with 1 if a requirement
# of doc/requirements.md has a test that failed, or none at all. If all that it has
# were skipped, it is for skips.awk to judge.
#
#	awk -f requirements.awk requirements.md LastTest.log

FILENAME == ARGV[1] {
	if (/^\| R[0-9]+ \|/)
		want[++nr_wanted] = $2
	next
}

# One test, which a log may name twice.
function note(name, how,	part)
{
	split(name, part, "_")
	if (name in seen)
		return
	seen[name]
	if (how == "SKIPPED") {
		skipped[part[1]]++
		return
	}
	tests[part[1]] = tests[part[1]] " " substr(name, length(part[1]) + 2)
	if (how == "OK")
		passed[part[1]]++
	else
		failed[part[1]]++
}

/^\[ +(OK|FAILED|SKIPPED) +\] R[0-9]+_[^ ]*$/ {
	note($NF, $2)
}

# How it ended may be on a line of its own, behind what the test is about.
/^test_/ {
	python = $1 ~ /^test_R[0-9]+_/ ? substr($1, 6) : ""
}

python && /\.\.\. (ok|FAIL|ERROR)$/ {
	note(python, toupper($NF))
	python = ""
}

python && /\.\.\. skipped ['"].*['"]$/ {
	note(python, "SKIPPED")
	python = ""
}

# Breaks a list of words into lines.
function wrap(words, indent, width,	line, n, word, i, text)
{
	n = split(words, word, " ")
	for (i = 1; i <= n; i++) {
		if (line != "" && length(line) + length(word[i]) >= width) {
			text = text line "\n" indent
			line = ""
		}
		line = line (line == "" ? "" : " ") word[i]
	}
	return text line
}

END {
	for (i = 1; i <= nr_wanted; i++) {
		r = want[i]
		state = failed[r] ? failed[r] " failed" : \
			passed[r] ? passed[r] " passed" : \
			skipped[r] ? skipped[r] " skipped" : "NO TEST"
		printf "%-4s %-10s %s\n", r, state,
		       wrap(tests[r], "                ", 84)
		if (failed[r] || !(passed[r] || skipped[r]))
			bad = 1
	}
	exit bad || !nr_wanted
}
