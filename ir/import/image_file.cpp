#include "ir/import/image_file.h"

#include <memory>

#if defined(ESPALIER_HAS_STB)
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS (1 << 14)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "stb_image.h"
#include "stb_image_resize.h"
#pragma GCC diagnostic pop
#endif

namespace espalier {

#if defined(ESPALIER_HAS_STB)
Result<Image> parse_image(std::string_view file_name, Bytes bytes, uint32_t channels) {
  if (channels != 1 && channels != 3 && channels != 4)
    return unsupported("{}: pictures have 1, 3 or 4 channels, but {} are wanted", file_name, channels);
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = static_cast<int>(std::min<size_t>(bytes.size(), INT32_MAX));
  int width = 0, height = 0, found = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &found, static_cast<int>(channels)), stbi_image_free);
  if (!pixels) return bad_input("{}: is no PNG or JPEG picture that can be read: {}", file_name, stbi_failure_reason());
  Image image{static_cast<uint32_t>(height), static_cast<uint32_t>(width), channels, {}};
  image.pixels.assign(pixels.get(), pixels.get() + size_t{image.height} * image.width * channels);
  return image;
}

std::vector<float> as_input(const Image& image, const Shape& shape, float low, float high) {
  std::vector<float> bytes(image.pixels.begin(), image.pixels.end()), values(shape.elements());
  stbir_resize_float(bytes.data(), static_cast<int>(image.width), static_cast<int>(image.height), 0, values.data(),
                     static_cast<int>(shape.w), static_cast<int>(shape.h), 0, static_cast<int>(shape.c));
  for (float& value : values) value = low + std::min(std::max(value, 0.0f), 255.0f) / 255 * (high - low);
  return values;
}
#else
Result<Image> parse_image(std::string_view file_name, Bytes, uint32_t) {
  return unsupported("{}: this espalier was built without stb_image, which reads pictures; give the input as .npy",
                     file_name);
}

std::vector<float> as_input(const Image&, const Shape& shape, float, float) {
  return std::vector<float>(shape.elements());
}
#endif

}  // namespace espalier
