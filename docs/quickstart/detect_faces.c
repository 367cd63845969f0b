/* Finds faces in a picture with the compiled network `face` (face.h, face.o), and draws them.
 *   detect_faces PICTURE.png RESULT.png [INPUT.f32]
 * Prints a line per face: score, left, top, right, bottom (pixels). With a third argument also writes what the network
 * was given (raw fp32, NHWC). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "face.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image.h>
#include <stb/stb_image_resize.h>
#include <stb/stb_image_write.h>

enum { kSide = 192, kCells = 48, kValues = 16 }; /* one anchor in the middle of each of 48 x 48 cells */
typedef struct Face {
  float score, left, top, right, bottom; /* of the picture's sides, 0..1 */
} Face;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static float overlap(const Face* a, const Face* b) {
  const float w = fminf(a->right, b->right) - fmaxf(a->left, b->left);
  const float h = fminf(a->bottom, b->bottom) - fmaxf(a->top, b->top);
  if (w <= 0 || h <= 0) return 0;
  const float areas = (a->right - a->left) * (a->bottom - a->top) + (b->right - b->left) * (b->bottom - b->top);
  return w * h / (areas - w * h);
}

static Face face_at(const float* boxes, const float* scores, int cell) {
  const float* raw = boxes + cell * kValues; /* middle and size, in pixels of the network's input, from the anchor on */
  const float x = ((float)(cell % kCells) + 0.5f) / kCells + raw[0] / kSide;
  const float y = ((float)(cell / kCells) + 0.5f) / kCells + raw[1] / kSide;
  const float w = raw[2] / kSide, h = raw[3] / kSide;
  const Face face = {1 / (1 + expf(-scores[cell])), x - w / 2, y - h / 2, x + w / 2, y + h / 2};
  return face;
}

/* The best of every group of boxes that overlap. */
static int find_faces(const float* boxes, const float* scores, Face* faces, int most) {
  int count = 0;
  while (count < most) {
    Face best = {0.5f, 0, 0, 0, 0};
    for (int cell = 0; cell < kCells * kCells; ++cell) {
      const Face face = face_at(boxes, scores, cell);
      int is_new = face.score > best.score;
      for (int i = 0; i < count; ++i) is_new = is_new && overlap(&face, &faces[i]) < 0.3f;
      if (is_new) best = face;
    }
    if (best.right == 0) break;
    faces[count++] = best;
  }
  return count;
}

static void paint(unsigned char* image, int width, int height, int x, int y) {
  static const unsigned char colour[3] = {0, 255, 64};
  if (x >= 0 && x < width && y >= 0 && y < height) memcpy(image + 3 * ((size_t)y * (size_t)width + (size_t)x), colour, 3);
}

static void draw(unsigned char* image, int width, int height, const Face* face) {
  const int left = (int)(face->left * (float)width), right = (int)(face->right * (float)width);
  const int top = (int)(face->top * (float)height), bottom = (int)(face->bottom * (float)height);
  for (int line = 0; line < 3; ++line) {
    for (int x = left; x <= right; ++x) paint(image, width, height, x, top + line), paint(image, width, height, x, bottom - line);
    for (int y = top; y <= bottom; ++y) paint(image, width, height, left + line, y), paint(image, width, height, right - line, y);
  }
}

static int fail(const char* what, const char* file) {
  fprintf(stderr, "detect_faces: %s: %s\n", file, what);
  return 1;
}

int main(int argc, char** argv) {
  static float input[FACE_INPUT0_ELEMENTS], boxes[FACE_OUTPUT0_ELEMENTS], scores[FACE_OUTPUT1_ELEMENTS];
  int width = 0, height = 0, channels = 0;
  if (argc < 3) return fail("usage: detect_faces PICTURE RESULT [INPUT.f32]", "arguments");
  unsigned char* image = stbi_load(argv[1], &width, &height, &channels, 3);
  if (!image) return fail(stbi_failure_reason(), argv[1]);
  static unsigned char small[kSide * kSide * 3];
  stbir_resize_uint8(image, width, height, 0, small, kSide, kSide, 0, 3);
  for (size_t i = 0; i < FACE_INPUT0_ELEMENTS; ++i) input[i] = (float)small[i] / 127.5f - 1;

  espalier_context* context = face_create();
  if (!context) return fail("out of memory", "face_create");
  const double start = seconds();
  face_run(context, input, boxes, scores);
  const double first = seconds() - start;
  face_run(context, input, boxes, scores);
  fprintf(stderr, "first run %.2f ms, second %.2f ms\n", first * 1e3, (seconds() - start - first) * 1e3);
  face_destroy(context);

  Face faces[16];
  const int count = find_faces(boxes, scores, faces, 16);
  for (int i = 0; i < count; ++i) {
    draw(image, width, height, &faces[i]);
    printf("%.3f %.0f %.0f %.0f %.0f\n", faces[i].score, faces[i].left * (float)width, faces[i].top * (float)height,
           faces[i].right * (float)width, faces[i].bottom * (float)height);
  }
  if (!stbi_write_png(argv[2], width, height, 3, image, 3 * width)) return fail("cannot be written", argv[2]);
  if (argc > 3) {
    FILE* file = fopen(argv[3], "wb");
    if (!file || fwrite(input, sizeof input, 1, file) != 1 || fclose(file)) return fail("cannot be written", argv[3]);
  }
  stbi_image_free(image);
  return count > 0 ? 0 : 2;
}
