"""The process: gRPC in, batches down, replies up."""

if __name__ != "payvand.switch":
    raise ImportError("import payvand.switch, not " + __name__)
