"""Prompts as they are used: registered, adopted and observed ones, their versions and their use."""
