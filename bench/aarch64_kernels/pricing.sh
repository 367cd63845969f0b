# Read by mca.sh and xnnpack.sh: samples of what a program executed, priced by llvm-mca.

# split_trace TRACE FOLDER: FOLDER/*.bytes, one for each stretch; a stretch of bytes ends with a line of counts.
split_trace() {
  awk -v folder="$2" 'BEGIN { part = 1000 } /^0x/ { print > (folder "/" part ".bytes"); next } { ++part }' "$1"
}

# price BYTES CPU...: a table cell with the cycles per fmla for each CPU. Calls and returns are left out: mca would take
# 100 cycles for each.
price() {
  llvm-mc-19 --disassemble --triple=aarch64 -mattr=+v8.2a "$1" | grep -vE '	(blr?|ret)\b' > "$1.s"
  code=$1.s
  shift
  for cpu in "$@"; do
    llvm-mca-19 -mtriple=aarch64 -mcpu="$cpu" -iterations=1 -all-views=false -summary-view "$code" 2> /dev/null |
      awk -v fmlas="$(grep -c '	fmla	' "$code")" '/^Total Cycles:/ { printf " %.2f |", $3 / fmlas }'
  done
  echo
}
