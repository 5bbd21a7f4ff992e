"""The SDK: what a bank or a government service uses to reach the switch."""

if __name__ != "payvand.client":
    raise ImportError("import payvand.client, not " + __name__)
