"""A network of float32 with its numbers in float16 between inputs and outputs, for devices that compute so."""

import warnings

import onnx


def in_float16(network: bytes) -> bytes:
    """The network by ONNX Runtime's own conversion: operators that lose too much by it stay as they are.

    Weights beyond what float16 holds become the nearest that it does.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16  # noqa: PLC0415 -- seldom needed, and slow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one for each constant that is rounded to 0 or to the largest
        half = convert_float_to_float16(onnx.ModelProto.FromString(network), keep_io_types=True)
    return bytes(half.SerializeToString())
