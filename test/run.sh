#!/bin/sh
# Everything: packages, build, tests under sanitizers, a short run of every fuzzer, then all tests of the release build.
# Ends with ctest's summary; exit status 0 only if every stage passed. Build folders are kept and reused (build/).
#   sh test/run.sh
# Environment: ESPALIER_FUZZ_SECONDS per fuzzer (20), ESPALIER_FACE_MODEL a model instead of the one npm gives,
# ESPALIER_DATA the folder of the large data sets.
set -u
cd "$(dirname "$0")/.." || exit 1
root=$PWD
logs=$root/build/logs
jobs=$(nproc)
started=$(date +%s)
failed=
mkdir -p "$logs" || exit 1

say() { printf '[%5d s] %s\n' $(($(date +%s) - started)) "$*"; }

# stage NAME SECONDS COMMAND...: runs it with its output in build/logs/NAME.log; shows the end of that when it fails.
stage() {
  name=$1 limit=$2
  shift 2
  say "$name"
  timeout -k 30 "$limit" "$@" >"$logs/$name.log" 2>&1 </dev/null && return 0
  say "FAILED: $name (build/logs/$name.log)"
  tail -n 80 "$logs/$name.log"
  failed="$failed $name"
  return 1
}

launcher=
command -v ccache >/dev/null && launcher=ccache
configure() { # PRESET OPTIONS...
  preset=$1
  shift
  stage "$preset-configure" 300 cmake --preset "$preset" \
    "-DCMAKE_C_COMPILER_LAUNCHER=$launcher" "-DCMAKE_CXX_COMPILER_LAUNCHER=$launcher" "$@"
}
build() { # PRESET TARGETS...: build everything, or only the targets
  preset=$1
  shift
  [ $# = 0 ] || set -- --target "$@"
  stage "$preset-build" 3600 $unrandomised cmake --build --preset "$preset" -j "$jobs" "$@"
}
rooms() { for room in "$@"; do [ ! -e "test/$room/CMakeLists.txt" ] || echo "test/$room/all"; done; }
labels() { echo "^($(echo "$*" | tr ' ' '|'))\$"; }

# sanitized PRESET ROOM...: the tests of these rooms, but not those that spend their time in emulators and engines, which
# no sanitizer sees into. -O1 halves the time gcc takes for sanitized code; without NDEBUG assertions count. A sanitized
# program takes longer to start than most tests, so ctest starts each once.
emulated='-AArch64Answers.*:GoldenPrograms.*:LinkedObject.*:WasmExecution.*:WasmCompiledKernels.*'
emulated=$emulated:JavaScriptLoader.*:LoopObject.*:LoopSource.*:*/LoopSource.*:LayerObjects.*:NetworkModules.*:NetworkSources.*:*.*UnderQemu*:*.*UnderNode*
sanitized() {
  preset=$1
  shift
  configure "$preset" -DESPALIER_BENCHMARKS=OFF -DESPALIER_WERROR=OFF -DESPALIER_TEST_PROGRAMS=ON \
    "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1" "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1 -g1" &&
    build "$preset" espalier $(rooms "$@") || return
  stage "$preset-test" 1800 env "GTEST_FILTER=$emulated" $unrandomised \
    ctest --preset "$preset" -j "$jobs" -L "$(labels "$@")"
  [ -z "$ESPALIER_FACE_MODEL" ] || sanitized_command_line "$preset"
}

# A whole network through the command line: read, compile on several threads, write, link, run.
sanitized_command_line() {
  espalier=build/$1/codegen/cli/espalier
  stage "$1-compile" 600 $unrandomised "$espalier" compile "$ESPALIER_FACE_MODEL" -j 4 --target aarch64-linux -o "build/$1/out"
  stage "$1-compile-wasm" 600 $unrandomised "$espalier" compile "$ESPALIER_FACE_MODEL" -j 4 --target wasm32 -o "build/$1/out"
  stage "$1-run" 600 $unrandomised "$espalier" run "$ESPALIER_FACE_MODEL" -j 4 --threads 3
  stage "$1-run-kernels" 600 $unrandomised "$espalier" run "$ESPALIER_FACE_MODEL" --kernels -j 4
}

# Every fuzzer over its committed corpus (test/*/corpus/NAME) and what it makes of it, as many at a time as there are
# cores.
fuzz() {
  command -v clang++-19 >/dev/null || { say "fuzzers left out: no clang++-19"; return; }
  configure fuzz -DESPALIER_BENCHMARKS=OFF -DESPALIER_WERROR=OFF || return
  fuzzers=$(cmake --build --preset fuzz --target help | sed -n 's/^\(fuzz_[a-z0-9_]*\): phony$/\1/p' | sort)
  [ -n "$fuzzers" ] || { say "no fuzzers"; return; }
  build fuzz $fuzzers || return
  rm -f build/fuzz/failed
  started_fuzzers=0
  for fuzzer in $fuzzers; do
    run_fuzzer "$fuzzer" || echo "$fuzzer" >>build/fuzz/failed &
    started_fuzzers=$((started_fuzzers + 1))
    [ $((started_fuzzers % jobs)) != 0 ] || wait
  done
  wait
  [ ! -e build/fuzz/failed ] || failed="$failed $(tr '\n' ' ' <build/fuzz/failed)"
}

run_fuzzer() { # NAME
  work=$root/build/fuzz/corpus/$1
  mkdir -p "$work"
  stage "$1" 300 "$(find build/fuzz/test -type f -name "$1")" -max_total_time="${ESPALIER_FUZZ_SECONDS:-20}" \
    -max_len=65536 -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 "-artifact_prefix=$logs/" \
    "$work" $(find test/*/corpus -type d -name "${1#fuzz_}" 2>/dev/null)
}

say "packages"
sh docs/install-packages.sh || exit 1
[ -n "${ESPALIER_FACE_MODEL:-}" ] || ESPALIER_FACE_MODEL=$(sh docs/fetch-face-model.sh build/face_detection)
if [ -n "$ESPALIER_FACE_MODEL" ]; then export ESPALIER_FACE_MODEL; else say "tests of the face detection model will be skipped"; fi

# ThreadSanitizer of gcc 12 does not know the address spaces that newer kernels make with more random bits.
unrandomised=
setarch "$(uname -m)" -R true 2>/dev/null && unrandomised="setarch $(uname -m) -R"
# libLLVM is not instrumented, so ASan cannot follow the containers that pass through it.
export ASAN_OPTIONS=detect_container_overflow=0 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1

# Warnings are errors here only: sanitizers and clang 19 add false ones about LLVM's and libstdc++'s headers.
configure release -DESPALIER_WERROR=ON && build release || exit 1
sanitized asan ir network import fuzz codegen layers loops networks x86_64 aarch64 wasm jit runtime cli
sanitized tsan jit networks runtime cli
fuzz

# The line of every test stays in the log, so that failures of all stages and ctest's summary end the output together.
say "release-test"
timeout -k 30 3600 ctest --preset release -j "$jobs" </dev/null >"$logs/release-test.log" 2>&1 || failed="$failed release-test"
for name in $failed; do
  say "FAILED: $name (build/logs/$name.log)"
  grep -a '\*\*\*\|FAILED\|: Failure$\|rror: \|ERROR\|WARNING: ' "$logs/$name.log" | tail -n 30
done
[ -n "$failed" ] || say "every stage passed"
sed -n '/tests passed,/,$p' "$logs/release-test.log"
[ -z "$failed" ]
