# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# awk -v section=FILE -v sender=WHO -f maintainers.awk MAINTAINERS MAINTAINERS: puts a section where it belongs by the
# alphabet: at the last such place, as some titles are not where they belong.
BEGIN {
	while ((getline line <section) > 0) {
		sub(/@sender@/, sender, line)
		if (title == "")
			title = line
		text = text line "\n"
	}
}
FNR == 1 { list = 0 }
/^Maintainers List$/ { list = 1; before = "" }
list && /^[0-9A-Z]/ && !/^[A-Z]:/ && !/^Maintainers List$/ {
	if (NR == FNR && before < title && title < $0)
		place = $0
	before = $0
}
NR == FNR { next }
$0 == place { printf "%s", text }
{ print }
