"""OpenAI and everything that speaks its wire, Azure's URLs and keys included."""
