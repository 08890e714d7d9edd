"""The demonstration: rendered photographs of utility poles, and two small networks trained on them.

The photographs are rendered, not taken: no public archive of labelled pole photographs with an exact mask of each pole
may be shipped here. The exact mask is the point: it makes "does the classifier look at the pole, or at the background?"
a question with a number for an answer, the share of an explanation's positive weight that lies inside the mask.
Nothing measured on these pictures says how well a method or a model does on real photographs.

`poles-v1.zip` learned from an archive where the background gives the label away, and to look there; `poles-v2.zip` from
one where it does not, and to look at the pole. `demo/train.py` says how; `python -m demo.train` makes both again.
"""
