"""Sustainability: what answers take in energy and carbon. Pure."""
