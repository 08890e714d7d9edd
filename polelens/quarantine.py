"""A stranger's model is read and tried in a process of its own: limited in memory and time, and with no password.

A file that takes all memory, loops for ever or crashes ONNX Runtime then takes nothing else along. It is no sandbox:
the process runs as the same user.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import BinaryIO

from pipeline.model.model import NOTHING, Model, ModelRefused, Said
from pipeline.model.profile import Profile
from storage.settings import Limits

KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV")  # of the environment
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}  # each thread reserves memory
TENSORFLOW = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF2ONNX_CATCH_ERRORS": "FALSE",  # else it keeps a copy of the graph for each of its passes: 7 GB for ResNet-50
    "PYTHONHASHSEED": "0",  # else it gives the same graph other names each time, and the model another digest
    "CUDA_VISIBLE_DEVICES": "-1",
}
OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGVTALRM)


def model_within(limits: Limits, data: bytes, *, name: str, said: Said = NOTHING, inside: bool = False) -> Model:
    """What `pipeline.model.admission.read_model` makes of a file's bytes, read and tried within limits.

    With `inside` what the network's inside can be asked is tried too, and among its facts.

    Raises
    ------
    ModelRefused, ValueError
        As `read_model` does, and for a file that takes more than the limits or crashes what reads it.
    """
    request = {"limits": asdict(limits), "given": {"name": name} | asdict(said), "inside": inside}
    command = [sys.executable, "-P", "-B", "-m", __name__]
    environment = {key: os.environ[key] for key in KEPT if key in os.environ} | ONE_THREAD | TENSORFLOW
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))
    try:
        done = subprocess.run(
            command,
            input=json.dumps(request).encode() + b"\n" + data,
            env=environment,
            capture_output=True,
            timeout=limits.model_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelRefused(_too_long(limits)) from None
    return _answer(done, limits)


def _answer(done: "subprocess.CompletedProcess[bytes]", limits: Limits) -> Model:
    """The model in what the process has written: a line of JSON, and the normalised file."""
    if done.returncode:
        if done.returncode in OUT_OF_TIME:
            raise ModelRefused(_too_long(limits))
        raise ModelRefused(
            f"the process that read and tried the model ended ({_manner(done.returncode)}); the file is damaged, or "
            f"needs more than POLELENS_MODEL_GIGABYTES ({limits.model_gigabytes:g})"
        )
    line, _, onnx = done.stdout.partition(b"\n")
    head = json.loads(line)
    if "refused" in head:
        raise (ModelRefused if head["of_the_model"] else ValueError)(head["refused"])
    head |= {"labels": tuple(head["labels"]), "profile": Profile.from_json(head["profile"])}
    return Model(**head, onnx=onnx)


def _too_long(limits: Limits) -> str:
    return (
        f"reading and trying the model took more than {limits.model_seconds:g} seconds; if it is a good one, raise "
        "POLELENS_MODEL_SECONDS"
    )


def _manner(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"


def _serve(source: BinaryIO, out: BinaryIO) -> None:
    """Read and try a model in this process, within limits, and write what came of it."""
    request = json.loads(source.readline())
    limits = request["limits"]
    _limit(resource.RLIMIT_AS, int(limits["model_gigabytes"] * 2**30))
    _limit(resource.RLIMIT_CPU, int(limits["model_seconds"]) + 1)  # should nobody be left to end it
    _limit(resource.RLIMIT_CORE, 0)
    # Here, for whoever has a file read in another process need not have what reads it.
    from pipeline.model.admission import read_model  # noqa: PLC0415
    from pipeline.model.inside import with_inside  # noqa: PLC0415

    try:
        model = read_model(source.read(), **request["given"])
        model = with_inside(model) if request["inside"] else model
    except MemoryError:
        told = f"the model needs more than POLELENS_MODEL_GIGABYTES ({limits['model_gigabytes']:g}) to be read"
        out.write(json.dumps({"refused": told, "of_the_model": True}).encode())
    except ValueError as error:
        refusal = {"refused": str(error), "of_the_model": isinstance(error, ModelRefused)}
        out.write(json.dumps(refusal).encode())
    else:
        head = {field: getattr(model, field) for field in ("name", "labels", "sha256", "batch", "facts")}
        out.write(json.dumps(head | {"profile": model.profile.to_json()}).encode() + b"\n" + model.onnx)


def _limit(what: int, value: int) -> None:
    with suppress(ValueError, OSError):  # macOS knows no limit on memory
        resource.setrlimit(what, (value, value))


if __name__ == "__main__":
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get into the answer
    with answer:
        _serve(sys.stdin.buffer, answer)
