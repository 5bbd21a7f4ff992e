"""Four eyes: what one operator proposes and another approves, told by the journal alone."""

if __name__ != "payvand.switch.approvals":
    raise ImportError("import payvand.switch.approvals, not " + __name__)
