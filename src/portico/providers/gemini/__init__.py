"""The Gemini API of Google AI."""
