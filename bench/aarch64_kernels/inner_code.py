#!/usr/bin/env python3
"""Cycles per multiply-add that llvm-mca predicts for the inner code of kernels, as Markdown.

    inner_code.py ESPALIER mobilenet_v1_1.0_90.npz [CPU=LLVM-CPU...]

compiles the sparse layers of MobileNetV1, in panels and as images, and prices of each what multiplies: the loop with the
most multiply-adds, again and again, or the straight code between starts and ends of row tiles, once. Starts, ends and
stores are left out (mca.sh has them in), and so are caches, fetch and branches. Default: cortex-a76=neoverse-n1 and
cortex-a72=cortex-a72, whose floors are 0.50 and 1.00 cycles per fmla.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

LAYERS = [(0, 12544), (1, 3136), (2, 3136), (3, 784), (4, 784), (5, 196), (6, 196), (11, 49)]
LAYOUTS = {"panels": ["--input-panel", "auto", "--output-panel", "auto"],
           "CHW": ["--input-stride", "auto", "--output-stride", "auto"]}
LEAST_STRETCH = 40  # multiply-adds; shorter stretches are not what a row tile multiplies
MOST_STRAIGHT = 4000  # instructions
ENDS_STRETCH = re.compile(r"(st[pr]|b\.|ret|fmax|fmin|mov|dup|cb|subs)")


def output_of(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def compile_layer(espalier, data, layer, pixels, layout, cpu, folder):
    """The schedule, and all instructions as (address, text)."""
    subprocess.run([espalier, "compile", data, "--select", f"contraction_1x1_{layer}", "--pixels", str(pixels), *layout,
                    "--target", "aarch64-linux", "--cpu", cpu, "--clamp", "relu", "--max-code-bytes", "100000000",
                    "-o", folder], capture_output=True, check=True)
    manifest = json.loads((pathlib.Path(folder) / "manifest.json").read_text())
    schedule = re.search(r'"schedule": "([^"]*)"', json.dumps(manifest)).group(1)
    code = []
    for line in output_of(["llvm-objdump-19", "-d", "--no-show-raw-insn", *map(str, pathlib.Path(folder).glob("*.o"))]).split("\n"):
        if match := re.match(r"\s*([0-9a-f]+):\s+(.*)", line):
            code.append((int(match.group(1), 16), re.sub(r"\s*//.*", "", match.group(2)).strip()))
    return schedule, code


def multiply_adds(lines):
    return sum(line.startswith("fmla") for line in lines)


def inner_loop(code):
    """The instructions of the innermost loop with the most multiply-adds, without its branch."""
    best = []
    for i, (address, text) in enumerate(code):
        match = re.match(r"b\.ne\s+0x([0-9a-f]+)", text)
        if not match or int(match.group(1), 16) > address:
            continue
        first = i
        while first > 0 and code[first][0] != int(match.group(1), 16):
            first -= 1
        body = [line for _, line in code[first:i]]
        if not any(line.startswith(("b.", "cbz")) for line in body) and multiply_adds(body) > multiply_adds(best):
            best = body
    return best


def straight_stretches(code):
    stretches, current = [], []
    for _, text in code + [(0, "ret")]:
        if ENDS_STRETCH.match(text):
            if multiply_adds(current) >= LEAST_STRETCH:
                stretches += current
            current = []
        else:
            current.append(text)
    return stretches[:MOST_STRAIGHT]


def cycles_per_fmla(lines, cpu, iterations):
    with tempfile.NamedTemporaryFile("w", suffix=".s") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        report = output_of(["llvm-mca-19", "-mtriple=aarch64", f"-mcpu={cpu}", f"-iterations={iterations}", file.name])
    return int(re.search(r"Total Cycles:\s+(\d+)", report).group(1)) / iterations / multiply_adds(lines)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    espalier, data = sys.argv[1:3]
    cpus = [pair.split("=") for pair in sys.argv[3:] or ["cortex-a76=neoverse-n1", "cortex-a72=cortex-a72"]]
    print("| layer | layout |" + "".join(f" {cpu} | cycles per fmla of {model} |" for cpu, model in cpus))
    print("|---|---|" + "---|---:|" * len(cpus))
    for layer, pixels in LAYERS:
        for name, layout in LAYOUTS.items():
            row = f"| layer_{layer}, {pixels} pixels | {name} |"
            for cpu, model in cpus:
                with tempfile.TemporaryDirectory() as folder:
                    schedule, code = compile_layer(espalier, data, layer, pixels, layout, cpu, folder)
                straight = schedule.startswith("unrolled")
                lines = straight_stretches(code) if straight else inner_loop(code)
                row += f" `{schedule.split(',k=')[0]}` | {cycles_per_fmla(lines, model, 1 if straight else 100):.2f} |"
            print(row, flush=True)


main()
