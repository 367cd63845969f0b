"""One peer on one model: prints the median milliseconds of an inference.

    peer.py litert|litert-plain|onnxruntime MODEL THREADS RUNS

litert is LiteRT (PyPI ai-edge-litert) as it comes, with XNNPACK, which takes sparse weights by itself where its rules
allow; litert-plain is LiteRT without that delegate. onnxruntime is PyPI's onnxruntime on its CPU provider.
"""
import sys
import time

import numpy as np


def litert(model, threads, with_delegate):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.AUTO if with_delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model, num_threads=threads, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.random.rand(*detail["shape"]).astype(np.float32))
    return interpreter.invoke


def onnxruntime(model, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feeds = {i.name: np.random.rand(*[d if isinstance(d, int) else 1 for d in i.shape]).astype(np.float32)
             for i in session.get_inputs()}
    return lambda: session.run(None, feeds)


def main():
    kind, model, threads, runs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    run = onnxruntime(model, threads) if kind == "onnxruntime" else litert(model, threads, kind == "litert")
    for _ in range(3):
        run()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    print(f"{sorted(times)[len(times) // 2] * 1e3:.4f}")


main()
