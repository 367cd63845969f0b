# From objdump -d: every innermost loop of the functions PREFIX.chunk.N (the lines from a backward branch's target to the
# branch, with no other such branch inside), each into FOLDER/FUNCTION.ADDRESS.s without its branches.
function hex(text,   i, value) {
  for (i = 1; i <= length(text); ++i) value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
  return value
}
/^[0-9a-f]+ <.*>:$/ {
  name = substr($2, 2, length($2) - 3)
  wanted = index(name, prefix ".chunk.") == 1
  count = newest = 0
  next
}
wanted && /^ *[0-9a-f]+:/ {
  address = hex(substr($1, 1, length($1) - 1))
  at[++count] = address
  text = $0
  sub(/^[^\t]*\t/, "", text)
  sub(/ *\/\/.*/, "", text)
  code[count] = text
  if ($2 !~ /^(b|b\..*|cbn?z)$/) next
  target = hex($2 ~ /^cb/ ? $4 : $3)
  code[count] = ""
  if (target > address) next
  if (target > newest) {
    file = folder "/" name "." sprintf("%x", target) ".s"
    for (i = 1; i <= count; ++i)
      if (at[i] >= target && code[i] != "") print code[i] > file
    close(file)
  }
  newest = address
}
