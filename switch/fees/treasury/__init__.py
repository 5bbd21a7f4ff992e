"""The treasury: what agencies collected, swept to it, and its word on that."""

if __name__ != "payvand.switch.fees.treasury":
    raise ImportError("import payvand.switch.fees.treasury, not " + __name__)
