"""What commands there are. Imports nothing: `portico --help` prints this and ends."""

COMMANDS = {
    "init": ("portico.main.cli.init", "Scaffold a project directory."),
    "up": ("portico.main.cli.up", "Serve a project: gateway and control plane in one process."),
    "call": ("portico.main.cli.call", "Send one message to a workload and print the answer."),
    "check": ("portico.main.cli.check", "Validate a project without serving it."),
    "plan": ("portico.main.cli.plan", "Show what an apply of the directory would change."),
    "apply": ("portico.main.cli.apply", "Ship the project directory to the running server."),
    "rollback": ("portico.main.cli.rollback", "Serve an earlier release of a workload again."),
    "prompt": ("portico.main.cli.prompt", "List, compare, import and adopt prompts."),
    "doctor": ("portico.main.cli.doctor", "Check configuration, providers, clock and disk."),
    "bench": ("portico.main.cli.bench", "Load-test a workload, and keep what was found."),
    "key": ("portico.main.cli.key", "Create, list, rotate and revoke keys."),
    "calls": ("portico.main.cli.calls", "Look into the ledger."),
    "cost": ("portico.main.cli.cost", "Report and forecast what calls cost."),
    "carbon": ("portico.main.cli.carbon", "Report the energy and carbon of answers."),
    "audit": ("portico.main.cli.audit", "Read the audit trail."),
    "backup": ("portico.main.cli.backup", "Write an encrypted copy of the data directory."),
    "restore": ("portico.main.cli.restore", "Read a backup into a new data directory."),
    "migrate": ("portico.main.cli.migrate", "Bring the store to this version's schema."),
    "simulate": ("portico.main.cli.simulate", "Run the simulated provider as a server."),
}
"""Name of a command: the module whose `command` it is, and its line in the help."""

HELP = ("-h", "--help")
"""The options that ask for it."""


def help_text() -> str:
    """What `portico --help` prints: at most 80 columns wide."""
    widest = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{widest}}  {line}" for name, (_, line) in COMMANDS.items())
    return f"""\
Usage: portico [OPTIONS] COMMAND [ARGS]...

  A self-hosted gateway and control plane for production GenAI.

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

Commands:
{commands}

  Exit codes: 0 held; 1 did not hold; 2 usage or configuration; 3 the system
  could not answer; 4 inconclusive."""
