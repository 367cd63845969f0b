"""Whole networks against LiteRT and onnxruntime on this machine: medians of rounds in which everybody takes a turn.

    python3 bench/networks/run.py --espalier build/release/codegen/cli/espalier [--threads 1] [--rounds 7] MODEL...

A model is a .tflite file; where an .onnx file of the same name lies beside it, onnxruntime runs that. Needs PyPI's
numpy and ai-edge-litert; onnxruntime where there are .onnx files. Prints a Markdown table: milliseconds, and how many
times as long as Espalier the better peer takes (of medians, and of each round's ratio).
"""
import argparse
import os
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def ours(arguments, model):
    command = [arguments.espalier, "run", model, "--threads", str(arguments.threads), "--repeat", str(arguments.runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(re.search(r"([0-9.]+) ms a run", done.stdout).group(1))


def peer(arguments, kind, model):
    command = [sys.executable, os.path.join(HERE, "peer.py"), kind, model, str(arguments.threads), str(arguments.runs)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None
    return float(done.stdout.split()[-1])


def contestants(model):
    found = [("litert", model), ("litert-plain", model)]
    onnx = os.path.splitext(model)[0] + ".onnx"
    return found + ([("onnxruntime", onnx)] if os.path.exists(onnx) else [])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--espalier", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("models", nargs="+")
    arguments = parser.parse_args()
    print("| model | espalier ms | LiteRT ms | without XNNPACK | onnxruntime ms | better peer / espalier | rounds' ratios |")
    print("|---|---|---|---|---|---|---|")
    for model in arguments.models:
        rounds = []
        for _ in range(arguments.rounds):
            turn = {"espalier": ours(arguments, model)}
            for kind, file in contestants(model):
                turn[kind] = peer(arguments, kind, file)
            rounds.append(turn)
        median = {k: statistics.median(t[k] for t in rounds) for k in rounds[0] if all(t[k] for t in rounds)}
        best = min(v for k, v in median.items() if k != "espalier")
        ratios = sorted(min(v for k, v in t.items() if k != "espalier" and v) / t["espalier"] for t in rounds)
        show = lambda k: f"{median[k]:.2f}" if k in median else "-"
        name = os.path.splitext(os.path.basename(model))[0]
        print(f"| {name} | {show('espalier')} | {show('litert')} | {show('litert-plain')} | {show('onnxruntime')} "
              f"| **{best / median['espalier']:.2f}** | {ratios[0]:.2f} to {ratios[-1]:.2f} |", flush=True)


main()
