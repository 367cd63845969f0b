#!/bin/sh
# XNNPACK's own kernel beside the yardstick: instructions, loads and simulated cache misses per useful multiply-add of
# four pixels, and llvm-mca's cycles per executed one, as a Markdown table.
#     xnnpack.sh BUILD-FOLDER PACKAGES a76|a72|a53 [REGULAR-EXPRESSION]
# PACKAGES is where Debian's arm64 packages libxnnpack-dev, libxnnpack0, libpthreadpool-dev, libpthreadpool0 and
# libcpuinfo0 were unpacked (dpkg -x). Needs what counts.sh and mca.sh need, and aarch64-linux-gnu-gcc.
set -eu
here=$(dirname "$0")
layers=$1/bench/aarch64_kernels/cortex-$3 packages=$2 core=$3 pattern=${4:-.}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
libraries=$packages/usr/lib/aarch64-linux-gnu
. "$here/pricing.sh"

gcc -O2 -fPIC -shared "$here/count_plugin.c" -o "$folder/plugin.so"
aarch64-linux-gnu-gcc -std=gnu11 -O3 -ffp-contract=off -no-pie -I"$here/../../runtime/include" -I"$here" \
  -I"$packages/usr/include" "$here/xnnpack.c" "$here/yardstick.c" "$layers/layers.c" "$layers/kernels.o" \
  -L"$libraries" -Wl,--allow-shlib-undefined -lXNNPACK -lm -o "$folder/xnnpack"
# run FILE PLUGIN-OPTIONS: counts or traces to FILE, the program's lines to standard output
run() {
  qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$libraries" -plugin "$folder/plugin.so,$2" -d plugin \
    -D "$1" "$folder/xnnpack" 1 "$pattern"
}
run "$folder/counts" "core=$core" > "$folder/layers"
run "$folder/trace" "trace=40000" > /dev/null
split_trace "$folder/trace" "$folder"
for bytes in "$folder"/*.bytes; do price "$bytes" neoverse-n1 cortex-a72 >> "$folder/prices"; done
echo '| layer | code | FMLA | instructions | loads | L1D misses | L2 misses | neoverse-n1 | cortex-a72 |'
echo '|---|---|---:|---:|---:|---:|---:|---:|---:|'
awk 'function row(code,   f) {
       split(count[++at], f)
       printf "| %s %s, %d pixels | %s | %.3f | %.3f | %.3f | %.4f | %.4f |%s\n", $1, $2, $3, code,
         f[2] / useful, f[1] / useful, f[3] / useful, f[6] / useful, f[7] / useful, price[at]
     }
     FILENAME ~ /counts$/ { count[FNR] = $0; next }
     FILENAME ~ /prices$/ { price[FNR] = $0; next }
     { useful = $5 * $3 / 4; row("yardstick"); row("XNNPACK") }' "$folder/counts" "$folder/prices" "$folder/layers"
if grep WRONG "$folder/layers"; then exit 1; fi
