"""Banks and services to try the switch with: real processes over the real contract."""

if __name__ != "payvand.switch.sandbox":
    raise ImportError("import payvand.switch.sandbox, not " + __name__)
