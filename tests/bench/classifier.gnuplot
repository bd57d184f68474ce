# How the cost grows: gnuplot -e "dat='growth.dat'; svg='growth.svg'" classifier.gnuplot
set terminal svg size 1200,420 background rgb "white" font "sans,12"
set output svg
set multiplot layout 1,3 title "What a packet, an image and a compilation cost"
set logscale x
set format x '10^%T'
set grid
set key top left
set yrange [0:*]
pick(kind, column) = sprintf("< awk '$1 == \"%s\" {print $2, $%d}' %s", kind, column, dat)
set xlabel "rules, prefixes or next hops"
set ylabel "ns a packet"
plot for [k in "rules prefixes hops"] pick(k, 3) using 1:2 with linespoints title k
set ylabel "MB of image"
plot for [k in "rules prefixes hops"] pick(k, 4) using 1:2 with linespoints title k
set ylabel "ms to compile"
plot for [k in "rules prefixes hops"] pick(k, 5) using 1:2 with linespoints title k
unset multiplot
