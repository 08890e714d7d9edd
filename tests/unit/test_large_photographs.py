import io
import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from pipeline.model.profile import Profile
from pipeline.scene import strips
from pipeline.scene.mask import read_mask
from pipeline.scene.photograph import read_photograph

ORIENTATION = 0x0112
LIMIT_MB = 800  # 700 measured: four bytes a pixel of Pillow's and three of ours
READ = """
import resource, sys
from pipeline.model.profile import Profile
from pipeline.scene.photograph import Unreadable, read_photograph
from tasks.memory import reading
data, peak = sys.stdin.buffer.read(), lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
try:
    with reading(10**8, float(sys.argv[1])):
        canvas = Profile(224).canvas(read_photograph(data).pixels)
except Unreadable as error:
    print(error)
else:
    print((peak() - before) / 1024, *canvas[0, 0], *canvas[-1, -1])
assert bytearray(5 * 10**8)  # the bound is gone with what was read
"""
TURNS = """
import multiprocessing, os, signal
from tasks.memory import LARGE, reading
def read(pixels, pipe):
    with reading(pixels, 1):
        pipe.send("reads")
        signal.pause()
def begun(pixels):
    ours, theirs = fork.Pipe()
    process = fork.Process(target=read, args=(pixels, theirs), daemon=True)
    process.start()
    return process, ours
fork = multiprocessing.get_context("fork")
first, told = begun(LARGE)
assert told.recv() == "reads"
second, waiting = begun(LARGE)
small, other = begun(LARGE - 1)
assert other.recv() == "reads"
assert not waiting.poll(0.5), "two large ones at once"
first.kill()
assert waiting.recv() == "reads"
second.kill(), small.kill()
"""


def python(code, *arguments, data=b""):
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=False, env=dict(os.environ))


@pytest.fixture(scope="module")
def hundred_megapixels():
    """A PNG of 10,000 x 10,000 pixels, red from the left to the right, half transparent."""
    red = np.broadcast_to(np.linspace(0, 255, 10_000).astype(np.uint8), (10_000, 10_000))
    bands = [red, np.zeros_like(red), np.zeros_like(red), np.full_like(red, 128)]
    buffer = io.BytesIO()
    Image.merge("RGBA", [Image.fromarray(band) for band in bands]).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def test_a_hundred_megapixels_with_transparency_take_seven_bytes_a_pixel(hundred_megapixels):
    """Not seventeen: over white, on the canvas, in a process of its own."""
    done = python(READ, "2.5", data=hundred_megapixels)
    assert done.returncode == 0, done.stderr
    megabytes, *corners = map(float, done.stdout.split())
    assert megabytes < LIMIT_MB
    assert np.allclose(corners, [127, 127, 127, 255, 127, 127], atol=2)


def test_one_that_takes_more_than_it_may_fails_by_itself_and_says_so(hundred_megapixels):
    """And its process goes on."""
    done = python(READ, "0.3", data=hundred_megapixels)
    assert done.returncode == 0, done.stderr
    assert b"it has 100 megapixels, and reading it may take POLELENS_PHOTOGRAPH_GIGABYTES (0.3)" in done.stdout


def test_large_ones_wait_for_one_another_and_small_ones_for_nobody():
    """In the processes of one worker; whoever is killed lets the next one go on."""
    done = python(TURNS)
    assert done.returncode == 0, done.stderr


def picture(mode):
    generator = np.random.default_rng(7)
    wide = {"I;16": "<u2", "I": "<i4", "F": "<f4"}
    if mode in wide:
        return Image.fromarray(generator.integers(0, 4000, (37, 53)).astype(wide[mode]))
    return Image.fromarray(generator.integers(0, 256, (37, 53, 4), dtype=np.uint8), "RGBA").convert(mode)


@pytest.mark.parametrize("turned", [1, 2, 5, 6, 7, 8])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_strips_are_the_whole(mode, turned, monkeypatch):
    """Of whatever a picture is made, and however it is turned, pixels, notes, mask and canvas are the same numbers."""
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[ORIENTATION] = turned
    picture(mode).save(buffer, "TIFF", exif=exif)
    found = []
    for size in (2**20, 100):
        monkeypatch.setattr(strips, "PIXELS", size)
        read, mask = read_photograph(buffer.getvalue()), read_mask(buffer.getvalue())
        canvases = [Profile(16, crop).canvas(read.pixels) for crop in ("center", "stretch")]
        found.append((read.notes, mask.notes, [one.tobytes() for one in (read.pixels, mask.pixels, *canvases)]))
    assert found[0] == found[1]
    assert len(list(strips.strips(37, 53))) == 37


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8"])
@pytest.mark.parametrize("bands", [2, 3, 5])
def test_strips_of_wide_bands_are_the_whole(dtype, bands, monkeypatch):
    """White is the same in all of them, though the largest number is in one."""
    samples = np.random.default_rng(3).uniform(0, 900, (37, 53, bands)).astype(dtype)
    samples[30, 2] = 3000
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, photometric="minisblack", planarconfig="contig")
    found = []
    for size in (2**20, 100):
        monkeypatch.setattr(strips, "PIXELS", size)
        read = read_photograph(buffer.getvalue())
        found.append((read.notes, read.pixels.tobytes()))
    assert found[0] == found[1]
