"""Features: what a model may know of a subject at an instant, defined once for training and for serving.

What must stay true: a feature at a cut depends on events before the cut alone; a training set names the verdicts that permit it;
definitions have a version, and a model keeps the one that it was trained with.
"""
