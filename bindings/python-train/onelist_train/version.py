"""The version of this package, equal to that of the engine it was made for."""

VERSION = "0.1.0"
