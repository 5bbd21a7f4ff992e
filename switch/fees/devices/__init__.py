"""Devices that charge: toll gates, meters and validators, by keys and counters of their own."""

if __name__ != "payvand.switch.fees.devices":
    raise ImportError("import payvand.switch.fees.devices, not " + __name__)
