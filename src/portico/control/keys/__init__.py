"""Keys: who may call, made, listed, rotated and revoked."""
