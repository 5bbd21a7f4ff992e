"""Identifiers of the country: one module each."""

if __name__ != "payvand.switch.identifiers":
    raise ImportError("import payvand.switch.identifiers, not " + __name__)
