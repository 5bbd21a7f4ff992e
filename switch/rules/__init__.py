"""The rules that a circular can change, as dated data: banks, holidays, rails and their limits."""

if __name__ != "payvand.switch.rules":
    raise ImportError("import payvand.switch.rules, not " + __name__)
