"""What `peers.py` and `footprint.py` are made of: processes, upstreams, load, gateways."""
