"""Amazon Bedrock: reached by signed requests or API keys, spoken to in Converse."""
