"""Readings: what of the model a probe asks for."""

from typing import Literal

Kind = Literal["scores"]  # the model's answer to each mask, float32 [c]
