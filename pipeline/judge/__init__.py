"""The judgement of an answer: how far it can be trusted, and what the model rests on."""
