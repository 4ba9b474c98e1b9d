"""The figures that chose model zero's constants: `python -m onelist.model_zero.figures`.

Choices are made on the validation halves only; the test halves are for reporting. `movies` is
never fitted on: it is the held-out proof that the defaults carry over to another catalogue.
"""
