#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# Prints how the output of each failed test ended, from ctest's log: what somebody looks for who sees
# only the summary of a long run. LINES: so many of each test's last ones.
#
#	awk -v kernel=6.12 -v lines=30 -f failures.awk LastTest.log

/^[0-9]+\/[0-9]+ Testing: / {
	name = $3
	nr = 0
	inside = 0
}

/^Output:$/ && !inside {
	inside = 1
	next
}

/^<end of output>$/ {
	inside = 2
}

inside == 1 {
	output[++nr] = $0
}

inside == 2 && /^Test Failed[.]$/ {
	print kernel ": " name " ended with:"
	for (i = nr > lines ? nr - lines + 1 : 1; i <= nr; i++)
		print "  " output[i]
}
