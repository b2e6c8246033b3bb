# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
# Speeds beside pinned memory on the stock rxe. The caller sets data, out, what, and
# intree if there is anything to be seen of in-tree ODP.
set terminal svg size 1100,480 font "sans,12" background rgb "white"
set output out
set title what
set style data histogram
set style histogram clustered gap 1
set style fill solid border -1
set boxwidth 0.9
set ylabel "speed, pinned memory on stock rxe = 1"
set yrange [0:1.2<*]
set grid ytics
set xtics rotate by -40 noenhanced
set key outside top right
base = "1 with lines linecolor rgb '#444444' title 'pinned'"
theirs = ", data using 2:xticlabels(1) linecolor rgb '#c0a060' title 'in-tree ODP'"
ours = ", data using 3:xticlabels(1) linecolor rgb '#2060a0' title 'ours'"
eval("plot " . base . (intree ? theirs : "") . ours)
