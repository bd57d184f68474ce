# How the cost grows: gnuplot -e "dat='engine-growth.dat'; svg='engine-growth.svg'" engine.gnuplot
set terminal svg size 1200,1200 background rgb "white" font "sans,12"
set output svg
set multiplot layout 3,2 title "What a packet costs"
set logscale x
set grid
set key top left
set yrange [0:*]
set ylabel "ns a packet, sender and daemon side by side"
pick(kind, column) = sprintf("< awk '$1 == \"%s\" {print $2, $%d}' %s", kind, column, dat)
set format x '10^%T'
set xlabel "flows, every packet queued"
plot pick("queued-flows", 3) using 1:2 with linespoints title "nsgd", \
     pick("queued-flows", 4) using 1:2 with linespoints title "null engine"
set xlabel "flows, decided ones stay in the kernel"
plot pick("offload-flows", 3) using 1:2 with linespoints title "nsgd", \
     pick("offload-flows", 4) using 1:2 with linespoints title "one ct-mark rule"
set xlabel "rules"
plot pick("rules", 3) using 1:2 with linespoints title "nsgd", \
     pick("rules", 4) using 1:2 with linespoints title "null engine"
set format x '%g'
set xlabel "bytes; above 1,500 one GSO packet"
plot pick("bytes", 3) using 1:2 with linespoints title "nsgd", \
     pick("bytes", 4) using 1:2 with linespoints title "null engine"
set ylabel "ns a new flow"
set format x '10^%T'
set xlabel "destinations known to the kernel"
plot pick("known", 3) using 1:2 with linespoints title "nsgd, answers", \
     pick("known", 4) using 1:2 with linespoints title "a map by hand"
unset logscale x
set format x '%g'
set xlabel "new flows to known destinations, per cent"
plot pick("share", 3) using 1:2 with linespoints title "nsgd, answers", \
     pick("share", 4) using 1:2 with linespoints title "nsgd, answers = no"
unset multiplot
