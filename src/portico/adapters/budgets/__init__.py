"""Budgets: in this process alone, and shared by several."""
