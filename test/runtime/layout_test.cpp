// Images into panels and back.
#include <gtest/gtest.h>

#include <vector>

#include "espalier/runtime.h"

namespace espalier {
namespace {

TEST(Layout, PacksChannelsOfEveryPanelAndFillsTheLastWithZeros) {
  const std::vector<float> image = {1, 2, 3, 4, 5, -1, 6, 7, 8, 9, 10, -1};  // 2 channels, 5 pixels, stride 6
  std::vector<float> panels(espalier_buffer_elements(2, 5, 3, 3), 77.0f);
  espalier_pack(image.data(), 2, 5, 6, panels.data(), 3);
  EXPECT_EQ(panels, (std::vector<float>{1, 2, 3, 6, 7, 8, 4, 5, 0, 9, 10, 0}));
}

TEST(Layout, UnpacksWhatItPackedAndLeavesTheRestAlone) {
  for (size_t channels = 0; channels < 4; ++channels)
    for (size_t pixels = 1; pixels < 20; ++pixels)
      for (size_t panel : {1, 4, 7, 32}) {
        const size_t stride = pixels + 2;
        std::vector<float> image(channels * stride), back(channels * stride, -5.0f);
        for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i);
        std::vector<float> panels(espalier_buffer_elements(channels, pixels, panel, panel));
        espalier_pack(image.data(), channels, pixels, stride, panels.data(), panel);
        espalier_unpack(panels.data(), channels, pixels, panel, back.data(), stride);
        for (size_t i = 0; i < image.size(); ++i)
          EXPECT_EQ(back[i], i % stride < pixels ? image[i] : -5.0f) << channels << " " << pixels << " " << panel;
      }
}

espalier_kernel kernel_of(uint32_t panel, uint32_t stride, const uint32_t* order) {
  espalier_kernel kernel{};
  kernel.output_channels = 3;
  kernel.output_panel = panel;
  kernel.output_stride = stride;
  kernel.output_order = order;
  return kernel;
}

TEST(Layout, PutsRowsBackIntoTheNaturalOrder) {
  const uint32_t order[] = {2, 0, 1};
  const std::vector<float> image = {21, 22, 0, 1, 2, 0, 11, 12};  // 3 channels, 2 pixels, stride 3
  std::vector<float> natural(8, -1.0f);
  const espalier_kernel rows = kernel_of(0, 3, order);
  espalier_natural_order(&rows, image.data(), 2, natural.data());
  EXPECT_EQ(natural, (std::vector<float>{1, 2, -1, 11, 12, -1, 21, 22}));

  const std::vector<float> panels = {21, 22, 1, 2, 11, 12, 23, 0, 3, 0, 13, 0};  // 3 pixels, panels of 2
  natural.assign(12, -1.0f);
  const espalier_kernel in_panels = kernel_of(2, 2, order);
  espalier_natural_order(&in_panels, panels.data(), 3, natural.data());
  EXPECT_EQ(natural, (std::vector<float>{1, 2, 11, 12, 21, 22, 3, -1, 13, -1, 23, -1}));
}

TEST(Layout, LeavesRowsInPlaceThatAreInTheNaturalOrder) {
  const std::vector<float> image = {1, 2, 3, 4, 5, 6};
  std::vector<float> natural(6);
  const espalier_kernel rows = kernel_of(0, 2, nullptr);
  espalier_natural_order(&rows, image.data(), 2, natural.data());
  EXPECT_EQ(natural, image);
}

}  // namespace
}  // namespace espalier
