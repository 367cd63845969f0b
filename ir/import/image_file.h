// Pictures as inputs of networks: PNG and JPEG, through stb_image.
#pragma once

#include <filesystem>
#include <vector>

#include "ir/import/bytes.h"
#include "ir/network/shape.h"

namespace espalier {

/// A picture, [height][width][channels] bytes.
struct Image {
  uint32_t height = 0, width = 0, channels = 0;
  std::vector<uint8_t> pixels;
};

/// Decodes PNG or JPEG to `channels` channels (1: grey, 3: RGB, 4: with alpha). Errors: kBadInput for damage and other
/// formats, kLimit for sides above 2^14, kUnsupported where Espalier was built without stb_image, or for another number
/// of channels.
Result<Image> parse_image(std::string_view file_name, Bytes bytes, uint32_t channels);

/// The picture resized to shape.h x shape.w (whatever its proportions), and its bytes 0..255 mapped to low..high:
/// shape.elements() values in NHWC order. `shape` has the image's channels and a batch of 1.
std::vector<float> as_input(const Image& image, const Shape& shape, float low, float high);

}  // namespace espalier
