"""The registry: who takes part, by what certificates, since when, and how that changes."""

if __name__ != "payvand.switch.registry":
    raise ImportError("import payvand.switch.registry, not " + __name__)
