"""The simulator performed: in process behind the Upstream port, and as an HTTP server."""
