// The table that templates/embed.cmake generates at build time.
#pragma once

#include <cstddef>
#include <string_view>

namespace espalier {

struct EmbeddedText {
  std::string_view name;  ///< path below templates/, or kernel_abi.h
  const unsigned char* bytes;
  size_t size;
};
extern const EmbeddedText kEmbeddedTexts[];
extern const size_t kEmbeddedTextCount;

}  // namespace espalier
