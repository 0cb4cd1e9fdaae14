"""The files of `portico init`. They are served as they are, and teach by their comments."""

PORTICO_YAML = """\
# A Portico project. `portico check` validates it, `portico up` serves it.
# Every key: docs/reference/configuration.md

project: default

# Where models are reached. Secrets are never written here: ${NAME} is read from the
# environment of the process that serves, and ${NAME:-text} has a default.
providers:
  sim: {kind: simulator}            # answers without a key, for a first look and for tests
  # openai: {kind: openai, api_key: "${OPENAI_API_KEY}"}
  # claude: {kind: anthropic, api_key: "${ANTHROPIC_API_KEY}"}
  # local:  {kind: openai, base_url: "http://127.0.0.1:11434/v1"}    # any compatible server

# Models by a name of your own. Prices of known models are built in; for others say
# price: {input: 0.05, output: 0.10} in US dollars per million tokens, or price: unpriced.
models:
  echo: {provider: sim, id: echo}   # repeats the last user message
  # small: {provider: openai, id: gpt-5-mini}
  # large: {provider: claude, id: claude-sonnet-4-5}

# What applications call as `model`. Calls with a bare model id go to the workload `default`.
workloads:
  default:
    ladder: [echo]                  # with a provider: [small]
    # lane: chat                    # voice, chat or batch
    # latency: {first_token: 2s, total: 60s}
    # max_output_tokens: 2000       # set on calls that name none
"""

GITIGNORE = """\
# Data of a Portico that was started here: its database, journal and keys.
.portico/
"""


def scaffold() -> dict[str, str]:
    """Text by relative path."""
    return {"portico.yaml": PORTICO_YAML, ".gitignore": GITIGNORE}
