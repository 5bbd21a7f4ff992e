"""gRPC over HTTP/2: a server whose connections share their turns of the loop."""
