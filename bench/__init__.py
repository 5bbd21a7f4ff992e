"""Load and measurement, peers and limits side by side."""

if __name__ != "payvand.bench":
    raise ImportError("import payvand.bench, not " + __name__)
