"""Where the blobs are. A key begins with two digits of its digest, so that no folder grows without bound."""


def image_key(sha256: str) -> str:
    """A photograph's file, as it was given."""
    return f"images/{sha256[:2]}/{sha256}"


def mask_key(sha256: str) -> str:
    """A mask's file, as it was given."""
    return f"masks/{sha256[:2]}/{sha256}"


def model_key(digest: str) -> str:
    """A model's normalised ONNX file."""
    return f"models/{digest}.onnx"


def scene_key(digest: str) -> str:
    """A scene, see `pipeline.staging.pack`."""
    return f"scenes/{digest[:2]}/{digest}.npz"


def explanation_key(key: str, name: str) -> str:
    """A file of an explanation."""
    return f"explanations/{key[:2]}/{key}/{name}"


def scores_key(key: str) -> str:
    """An explanation's scores, see `pipeline.conversation.probe.pack_evidence`."""
    return explanation_key(key, "scores.npz")
