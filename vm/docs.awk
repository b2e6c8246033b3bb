#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# Makes HTML of what kernel-doc -rst writes, which is a small part of
# reStructuredText: declarations, definitions of terms, headings, lists,
# paragraphs and literal blocks.
#
#	awk -v title=TITLE -f docs.awk FILE.rst

function escape(text)
{
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	gsub(/>/, "\\&gt;", text)
	return text
}

# What stands between two MARKs becomes an ELEMENT.
function mark(text, mark_re, len, element,	out, inner)
{
	while (match(text, mark_re)) {
		inner = substr(text, RSTART + len, RLENGTH - 2 * len)
		out = out substr(text, 1, RSTART - 1) "<" element ">" inner "</" element ">"
		text = substr(text, RSTART + RLENGTH)
	}
	return out text
}

function inline(text)
{
	text = mark(escape(text), "``[^`]+``", 2, "code")
	text = mark(text, "[*][*][^*]+[*][*]", 2, "em")
	return mark(text, "[*][A-Za-z][^*]*[*]", 1, "em")
}

function indent_of(text)
{
	match(text, /^ */)
	return RLENGTH
}

function trim(text)
{
	sub(/^ +/, "", text)
	return text
}

# The name that a declaration declares: of a function, what stands before its parameters.
function name_of(declaration)
{
	sub(/ \(.*/, "", declaration)
	sub(/.*[ *]/, "", declaration)
	return declaration
}

function end_paragraph()
{
	if (paragraph != "")
		print "<p>" inline(paragraph) "</p>"
	paragraph = ""
}

# Ends the definition of a term, and with LIST the list that it is in.
function end_term(list)
{
	end_paragraph()
	if (term)
		print "</dd>"
	if (list && terms)
		print "</dl>"
	term = 0
	if (list)
		terms = 0
}

function heading(level, text)
{
	end_term(1)
	printf "<h%d>%s</h%d>\n", level, inline(text), level
}

# The lines from I on that are blank or farther in than INDENT; returns the last one.
function literal(i, indent,	first, last, inner)
{
	while (i <= n && line[i] == "")
		i++
	first = last = i
	inner = indent_of(line[i])
	for (; i <= n && (line[i] == "" || indent_of(line[i]) > indent); i++)
		if (line[i] != "")
			last = i
	print "<pre>"
	for (i = first; i <= last; i++)
		print escape(substr(line[i], inner + 1))
	print "</pre>"
	return last
}

{
	gsub(/\t/, "        ")
	sub(/ +$/, "")
	line[n = NR] = $0
}

END {
	print "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
	print "<title>" escape(title) "</title>"
	print "<link rel=\"stylesheet\" href=\"docs.css\"></head>\n<body>"
	print "<p><a href=\"index.html\">Contents</a></p>\n<h1>" escape(title) "</h1>"

	for (i = 1; i <= n; i++) {
		text = line[i]
		indent = indent_of(text)
		if (text == "") {
			end_paragraph()
		} else if (text ~ /^\.\. c:[a-z]+:: /) {
			kind = text
			sub(/^\.\. c:/, "", kind)
			sub(/::.*/, "", kind)
			sub(/^[^:]*:[^:]*:: /, "", text)
			end_term(1)
			printf "<h2 id=\"%s\"><code>%s%s</code></h2>\n", name_of(text),
			       kind ~ /^(struct|union|enum)$/ ? kind " " : "", escape(text)
		} else if (text ~ /^ *\.\. /) {
			end_term(1)
		} else if (line[i + 1] ~ /^(====*|----*)$/) {
			heading(2, text)
			i++
		} else if (text ~ /^ *\*\*[^*]+\*\*(::)?$/) {
			kind = trim(text)
			gsub(/\*\*|::/, "", kind)
			heading(3, kind)
			if (text ~ /::$/)
				i = literal(i + 1, indent)
		} else if (text ~ /^ *``[^`]+``$/ && indent_of(line[i + 1]) > indent) {
			end_term(0)
			if (!terms)
				print "<dl>"
			print "<dt>" inline(trim(text)) "</dt><dd>"
			term = terms = 1
			term_indent = indent
		} else {
			if (terms && indent <= term_indent)
				end_term(1)
			if (text ~ /^ *([0-9]+\.|[-*]) /)
				end_paragraph()
			text = trim(text)
			lead = text
			if (text ~ /::$/)
				sub(/ *::$/, text == "::" ? "" : ":", text)
			paragraph = paragraph (paragraph == "" ? "" : " ") text
			if (lead ~ /::$/) {
				end_paragraph()
				i = literal(i + 1, indent)
			}
		}
	}
	end_term(1)
	print "</body>\n</html>"
}
