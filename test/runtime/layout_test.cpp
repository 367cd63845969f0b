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

}  // namespace
}  // namespace espalier
