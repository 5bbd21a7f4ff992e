"""The catalogue of fees: a schedule for each agency, read from a file, approved, in force."""

if __name__ != "payvand.switch.fees.catalogue":
    raise ImportError("import payvand.switch.fees.catalogue, not " + __name__)
