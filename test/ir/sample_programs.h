// Hand-written kernel programs that the tests of text, verifier and interpreter start from.
#pragma once

#include <string>
#include <string_view>

namespace espalier::test {

/// `text` with its first `from` replaced; empty if it has none, so that a stale table entry cannot pass for a test.
inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  return at == std::string::npos ? std::string() : text.replace(at, from.size(), to);
}

/// `body` for a tile of `width` pixels (or "remainder"), every `:N` in it standing for the tile's lanes.
inline std::string tile(std::string_view width, std::string_view lanes, std::string body) {
  for (size_t at = 0; (at = body.find(":N", at)) != std::string::npos;) body.replace(at + 1, 1, lanes);
  return "  tile " + std::string(width) + "\n" + body;
}

/// NEON, 3 x 4, 11 pixels in blocks of 8 (as 4 + 4 and 2 + 1); two row groups, the first in two K blocks with a ReLU.
inline std::string neon_program() {
  const auto chunk = [](std::string_view head, const std::string& body) {
    return std::string(head) + tile("4", "4", body) + tile("2", "2", body) + tile("1", "1", body);
  };
  return "espalier-kernel-program 2\n"
         "kernel good target aarch64-linux cpu cortex-a76\n"
         "shape 3 x 4 nonzeros 6\n"
         "pixels 11\n"
         "strides input 12 output 16\n"
         "block 8\n"
         "schedule unrolled:rows=2,vectors=1,k=2\n"
         "stream 10\n"
         ".float 0x1.8p+0 -0x1p-2 0x1.4p+1 0x0p+0 0x1p+0 -0x1.cp+2 0x1p-3 0x0p+0\n"
         ".float 0x1.99999ap-4 -0x1p+0\n"
         "group rows 0 2 chunks 0 2\n"
         "group rows 2 1 chunks 2 1\n" +
         chunk("chunk stream 0 4 nonzeros 2\n",
               "    load v2, w[0]:4\n"
               "    zero v0\n"
               "    splat_lane v1, v2.1\n"
               "    load v3, x[0,0]:N\n"
               "    fma_lane v0, v3, v2.0\n"
               "    load v4, x[1,0]:N\n"
               "    fma_lane v0, v4, v2.2\n"
               "    store v0, y[0,0]:N\n"
               "    store v1, y[1,0]:N\n") +
         chunk("chunk stream 4 4 nonzeros 3\n",
               "    load v0, y[0,0]:N\n"
               "    load v1, y[1,0]:N\n"
               "    load v2, w[0]:4\n"
               "    load v3, x[2,0]:N\n"
               "    fma_lane v0, v3, v2.0\n"
               "    fma_lane v1, v3, v2.1\n"
               "    load v4, x[3,0]:N\n"
               "    fma_lane v1, v4, v2.2\n"
               "    splat_load v5, w[3]\n"
               "    max v0, v5\n"
               "    max v1, v5\n"
               "    store v0, y[0,0]:N\n"
               "    store v1, y[1,0]:N\n") +
         chunk("chunk stream 8 2 nonzeros 1\n",
               "    zero v0\n"
               "    splat_load v1, w[0]\n"
               "    load v2, x[1,0]:N\n"
               "    prefetch x[1,4]\n"
               "    fma v0, v1, v2\n"
               "    splat_load v1, w[1]\n"
               "    min v0, v1\n"
               "    store v0, y[2,0]:N\n") +
         "end\n";
}

/// AVX-512, 1 x 2, any pixel count up to 40, the rest of each row under a mask; two K blocks.
inline std::string masked_program() {
  const auto chunk = [](std::string_view head, const std::string& body) {
    return std::string(head) + tile("16", "16", body) + tile("remainder", "r", body);
  };
  return "espalier-kernel-program 2\n"
         "kernel masked target x86_64-linux cpu skylake-avx512\n"
         "shape 1 x 2 nonzeros 2\n"
         "pixels any\n"
         "strides input 40 output 44\n"
         "block 32\n"
         "schedule unrolled\n"
         "stream 3\n"
         ".float 0x1p+1 0x1.8p+1 inf\n"
         "group rows 0 1 chunks 0 2\n" +
         chunk("chunk stream 0 1 nonzeros 1\n",
               "    splat_load v0, w[0]\n"
               "    zero v31\n"
               "    fma_load v31, v0, x[0,0]:N\n"
               "    store v31, y[0,0]:N\n") +
         chunk("chunk stream 1 2 nonzeros 1\n",
               "    splat_load v0, w[0]\n"
               "    load v1, y[0,0]:N\n"
               "    load v2, x[1,0]:N\n"
               "    fma v1, v0, v2\n"
               "    splat_load v3, w[1]\n"
               "    min v1, v3\n"
               "    store v1, y[0,0]:N\n") +
         "end\n";
}

/// 1 x 1, `pixels` = one full vector and a tile of `tail` more; `target` as in the text form.
inline std::string tail_program(std::string_view target, uint32_t lanes, uint32_t tail) {
  const std::string body =
      "    splat_load v0, w[0]\n"
      "    load v1, x[0,0]:N\n"
      "    zero v2\n"
      "    fma v2, v0, v1\n"
      "    store v2, y[0,0]:N\n";
  const std::string pixels = std::to_string(lanes + tail), full = std::to_string(lanes), rest = std::to_string(tail);
  return "espalier-kernel-program 2\nkernel tail target " + std::string(target) + "\nshape 1 x 1 nonzeros 1\npixels " +
         pixels + "\nstrides input " + pixels + " output " + pixels + "\nblock " + pixels +
         "\nschedule unrolled\nstream 1\n.float 0x1p+0\ngroup rows 0 1 chunks 0 1\nchunk stream 0 1 nonzeros 1\n" +
         tile(full, full, body) + tile(rest, rest, body) + "end\n";
}

}  // namespace espalier::test
