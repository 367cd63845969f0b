#!/bin/sh
# Instructions, loads and simulated cache misses per useful multiply-add of four pixels, as a Markdown table.
#     counts.sh PROGRAM a76|a72|a53 [REGULAR-EXPRESSION]
# Misses are lines, of caches without prefetchers (count_plugin.c). Needs gcc and qemu-aarch64.
set -eu
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
gcc -O2 -fPIC -shared "$here/count_plugin.c" -o "$folder/count_plugin.so"
qemu-aarch64 -plugin "$folder/count_plugin.so,core=$2" -d plugin -D "$folder/counts" "$1" 1 "${3:-.}" > "$folder/report"
grep '^layer_' "$folder/report" > "$folder/layers"
echo '| layer | code | schedule | FMLA | instructions | loads | L1I misses | L1D misses | L2 misses |'
echo '|---|---|---|---:|---:|---:|---:|---:|---:|'
# The program prints two lines a layer, CHW and panels; the plugin three: yardstick, CHW, panels.
awk 'function row(code, schedule, counts,   f) {
       split(counts, f)
       printf "| %s %s, %d pixels | %s | %s | %.3f | %.3f | %.3f | %.4f | %.4f | %.4f |\n", $1, $2, $3, code, schedule,
         f[2] / useful, f[1] / useful, f[3] / useful, f[5] / useful, f[6] / useful, f[7] / useful
     }
     NR == FNR { count[NR] = $0; next }
     { useful = $5 * $3 / 4 }
     FNR % 2 == 1 { row("yardstick", "", count[++at]); row("CHW", "`" $9 "`", count[++at]) }
     FNR % 2 == 0 { row("panels of " $8, "`" $9 "`", count[++at]) }' "$folder/counts" "$folder/layers" |
  sed 's/,chunk=[^`]*`/`/'
grep WRONG "$folder/report" | grep -v ' 0 WRONG' || true
