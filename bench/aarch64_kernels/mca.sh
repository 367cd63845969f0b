#!/bin/sh
# Cycles per multiply-add of four pixels that llvm-mca predicts for samples of what each kernel executes, as Markdown:
# starts and ends of rows are in it; caches, instruction fetch and mispredicted branches are not modelled.
#     mca.sh PROGRAM [REGULAR-EXPRESSION [INSTRUCTIONS [LLVM-CPU]...]]
# The floor is 0.50 for neoverse-n1 (which stands for Cortex-A76) and 1.00 for cortex-a72.
set -eu
here=$(dirname "$0")
program=$1 pattern=${2:-.} limit=${3:-40000}
shift $(($# < 3 ? $# : 3))
[ $# -gt 0 ] || set -- neoverse-n1 cortex-a72
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

. "$here/pricing.sh"

gcc -O2 -fPIC -shared "$here/count_plugin.c" -o "$folder/plugin.so"
qemu-aarch64 -plugin "$folder/plugin.so,trace=$limit" -d plugin -D "$folder/trace" "$program" 1 "$pattern" |
  grep '^layer_' > "$folder/layers"
split_trace "$folder/trace" "$folder"
for bytes in "$folder"/*.bytes; do price "$bytes" "$@" >> "$folder/prices"; done
echo "| layer | code | schedule |$(printf ' %s |' "$@")"
echo "|---|---|---|$(printf -- '---:|%.0s' "$@")"
awk 'function row(code, schedule) { printf "| %s %s, %d pixels | %s | %s |%s\n", $1, $2, $3, code, schedule, price[++at] }
     NR == FNR { price[NR] = $0; next }
     FNR % 2 == 1 { row("yardstick", ""); row("CHW", "`" $9 "`") }
     FNR % 2 == 0 { row("panels of " $8, "`" $9 "`") }' "$folder/prices" "$folder/layers" | sed 's/,chunk=[^`]*`/`/'
