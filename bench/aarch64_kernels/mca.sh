#!/bin/sh
# Cycles per multiply-add of four pixels that llvm-mca predicts for the code of a kernel, caches and branches aside.
#     mca.sh OBJECT SYMBOL-PREFIX [CPU]...        e.g. mca.sh kernels.o contraction_1x1_6_panels cortex-a72
# A chunk with loops inside its tiles is priced loop by loop (the innermost ones), straight code as a whole tile, which
# is the first: full ones. The floor is 0.50 for neoverse-n1 (stands for Cortex-A76) and 1.00 for cortex-a72.
set -eu
object=$1 prefix=$2
shift 2
[ $# -gt 0 ] || set -- neoverse-n1 cortex-a72
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# price FILE CPU: cycles of one turn in the steady state.
price() {
  turns=$(($(wc -l < "$1") > 500 ? 5 : 200))
  llvm-mca-19 -mtriple=aarch64 -mcpu="$2" -iterations=$turns "$1" 2> /dev/null |
    awk -v turns=$turns '/^Total Cycles:/ { printf "%.4f", $3 / turns }'
}

aarch64-linux-gnu-objdump -d --no-show-raw-insn "$object" | awk -v prefix="$prefix" -v folder="$folder" -f "$here/loops.awk"
for part in "$folder"/*.s; do
  fmlas=$(grep -c fmla "$part" || true)
  [ "$fmlas" -gt 0 ] || continue
  printf '%s: %s instructions, %s fmla' "$(basename "$part" .s)" "$(wc -l < "$part")" "$fmlas"
  for cpu in "$@"; do
    printf ', %s %s' "$cpu" "$(awk -v c="$(price "$part" "$cpu")" -v f="$fmlas" 'BEGIN { printf "%.2f", c / f }')"
  done
  echo
done
