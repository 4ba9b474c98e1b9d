"""The figures behind model zero's constants: `python -m onelist_train.model_zero.figures`.

The validation halves choose, the test halves report. `movies` is never fitted on: it is held out to show that the
defaults carry over to another catalogue.
"""
