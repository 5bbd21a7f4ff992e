"""Openness: what the public is told each day of the fees that were collected."""

if __name__ != "payvand.switch.fees.openness":
    raise ImportError("import payvand.switch.fees.openness, not " + __name__)
