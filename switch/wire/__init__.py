"""The contract's busiest messages between bytes and records, without an object per payment."""

if __name__ != "payvand.switch.wire":
    raise ImportError("import payvand.switch.wire, not switch.wire")
