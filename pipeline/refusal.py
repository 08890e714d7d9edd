"""The refusal of a model: one sentence that says what is wrong with the file and what to do."""


class ModelRefused(ValueError):
    """A model file that cannot, or must not, be explained."""
