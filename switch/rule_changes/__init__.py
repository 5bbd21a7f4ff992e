"""How the tables of rules change while the switch runs: versions, approvals, effects."""

if __name__ != "payvand.switch.rule_changes":
    raise ImportError("import payvand.switch.rule_changes, not " + __name__)
