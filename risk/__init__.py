"""Fraud scoring in the commit path: features, rules, decisions."""

if __name__ != "payvand.risk":
    raise ImportError("import payvand.risk, not " + __name__)
