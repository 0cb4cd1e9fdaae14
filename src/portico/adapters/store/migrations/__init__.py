"""Alembic's environment. Revisions are in `versions/`; they are data for Alembic, not modules."""
