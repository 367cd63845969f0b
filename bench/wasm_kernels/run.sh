#!/bin/sh
# Compiles the layers and runs the comparison in one engine; prints Markdown.
#     run.sh BUILD-FOLDER [NODE [OPTIONS OF bench.mjs]...]
set -eu
here=$(dirname "$0")
build=$1 node=${2:-node}
shift $(($# < 2 ? $# : 2))
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$build/bench/wasm_kernels/generate_wasm_kernels" "$folder"
"$node" "$here/bench.mjs" "$folder" "$build/bench/wasm_kernels" "$@"
