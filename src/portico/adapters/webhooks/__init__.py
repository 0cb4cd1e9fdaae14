"""Happenings sent to addresses that projects name. See docs/webhooks.md."""

from portico.adapters.webhooks.sender import Webhooks, WebhookState

__all__ = ["WebhookState", "Webhooks"]
