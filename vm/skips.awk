#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# Judges what a run of ctest skipped: each skip must stand in a list (tests/skips says how), with the
# reason that the test gave. Prints what the list allowed, and what it did not, which ends this with 1. After
# a whole run, so does a line of the list that no test needed. WHOLE is 1 then, and COMPLETE is 1 if
# no test at all was left out; without, a line whose tests did not run is no matter.
#
#	awk -v kernel=6.12 -v whole=1 -v complete=1 -f skips.awk LIST LastTest.log
#
# It sees cmocka's tests and unittest's, lines "skipped: REASON" of any test, and what ctest itself skips.
# Where every test of a requirement is skipped, that is a skip more, with the requirement's name.

function fits(text, glob,	regex)
{
	regex = glob
	gsub(/[][\\.^$+?(){}|]/, "\\\\&", regex)
	gsub(/[*]/, ".*", regex)
	return text ~ ("^(" regex ")$")
}

# Is this kernel one of "GLOB,!GLOB,..."?
function for_us(kernels,	n, i, glob, is)
{
	n = split(kernels, glob, ",")
	for (i = 1; i <= n; i++) {
		if (sub(/^!/, "", glob[i])) {
			if (fits(kernel, glob[i]))
				return 0
		} else if (fits(kernel, glob[i])) {
			is = 1
		}
	}
	return is
}

function note(name, reason)
{
	if (name SUBSEP reason in noted)
		return
	noted[name, reason]
	named[name]
	skip_name[++nr_skips] = name
	skip_reason[nr_skips] = reason
}

# The test that runs, as the list names it.
function here(	name)
{
	name = test == "" ? entry : entry ":" test
	return name
}

function requirement(name,	part)
{
	sub(/^test_/, "", name)
	if (name !~ /^R[0-9]+_/)
		return ""
	split(name, part, "_")
	return part[1]
}

function skipped(reason)
{
	note(here(), reason)
	if (requirement(test) != "" && !(requirement(test) in all_skipped))
		all_skipped[requirement(test)] = reason
}

FILENAME == ARGV[1] {
	if (/^[ \t]*(#|$)/)
		next
	may = sub(/^[?]/, "")
	if (NF < 3) {
		print "line " FNR " of the list has no reason: " $0
		bad = 1
	} else if (for_us($1)) {
		line[++nr_lines] = FNR
		is_open[nr_lines] = may
		list_test[nr_lines] = $2
		sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]+/, "")
		list_reason[nr_lines] = $0
	}
	next
}

# A ctest in ctest puts the number of the test before each line.
{
	sub(/^[0-9]+: /, "")
}

/^[0-9]+\/[0-9]+ Testing: / {
	entry = $3
	test = ""
	nr_python = 0
	ran[entry]
}

/^\[ RUN +\] / {
	test = $NF
}

/^\[=+\] / {
	test = ""
}

/^skipped: / {
	skipped(substr($0, 10))
}

# Its end repeats all names.
/^\[ +SKIPPED +\] [^ ]+$/ && !(entry ":" $NF in named) {
	test = $NF
	skipped("no reason given")
}

/^\[ +(OK|FAILED) +\] R[0-9]+_/ {
	ended[requirement($NF)]
}

# How it ended may be on a line of its own, behind what the test is about.
/^ *(test_|setUp|tearDown)[A-Za-z0-9_]* \(/ {
	test = $1
}

/(^|\.\.\. )skipped ['"].*['"]$/ {
	sub(/^.*skipped ['"]/, "")
	sub(/['"]$/, "")
	skipped($0)
	nr_python++
}

/\.\.\. (ok|FAIL|ERROR)$/ && requirement(test) != "" {
	ended[requirement(test)]
}

/^(OK|FAILED) \(.*skipped=[0-9]+/ {
	test = ""
	sub(/^.*skipped=/, "")
	if ($0 + 0 > nr_python)
		note(entry, $0 - nr_python " skips that the log does not name")
	nr_python = 0
}

/^Test Skipped\.$/ {
	note(entry, "ctest skipped it")
}

# Did a test run that a line of the list is about?
function has_run(glob,	name)
{
	if (complete || glob ~ /^R[0-9]+$/)
		return 1
	sub(/:.*/, "", glob)
	for (name in ran)
		if (fits(name, glob))
			return 1
	return 0
}

END {
	if (whole)
		for (name in all_skipped)
			if (!(name in ended))
				note(name, all_skipped[name])

	for (i = 1; i <= nr_skips; i++) {
		allowed = 0
		for (j = 1; j <= nr_lines; j++) {
			if (fits(skip_name[i], list_test[j]) && fits(skip_reason[i], list_reason[j])) {
				used[j] += !allowed
				allowed = 1
			}
		}
		if (!allowed) {
			print "not in tests/skips: " skip_name[i] " skipped: " skip_reason[i]
			bad = 1
		}
	}

	for (j = 1; j <= nr_lines; j++) {
		if (j in used)
			printf "%4d skipped  %s: %s\n", used[j], list_test[j], list_reason[j]
		else if (whole && !is_open[j] && has_run(list_test[j])) {
			print "line " line[j] " of tests/skips: nothing is skipped for it any more: " \
			      list_test[j] ": " list_reason[j]
			bad = 1
		}
	}
	exit bad
}
