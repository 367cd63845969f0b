#!/bin/sh
# fetch-picture.sh FOLDER: gets astronaut.png (Eileen Collins; NASA, public domain) out of scikit-image's wheel from PyPI into
# FOLDER, unless it is there, and prints its path.
set -eu

package=scikit-image==0.25.2
member=skimage/data/astronaut.png
hash=88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5

is_picture() { echo "$hash  astronaut.png" | sha256sum --check --status 2>/dev/null; }

mkdir -p "$1"
cd "$1"
if ! is_picture; then
  timeout 300 python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --python-version 3.11 \
    --platform manylinux2014_x86_64 -d . "$package" </dev/null >pip.log 2>&1 ||
    { echo "pip cannot get $package: $(tail -n 1 pip.log)" >&2; exit 1; }
  python3 -m zipfile -e scikit_image-*.whl wheel
  cp "wheel/$member" astronaut.png
  rm -rf wheel scikit_image-*.whl
  is_picture || { echo "$PWD/astronaut.png is not the file expected (sha256 $hash)" >&2; exit 1; }
fi
echo "$PWD/astronaut.png"
