"""Calls that are made again under a release of choice."""
