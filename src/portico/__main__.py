"""`python -m portico` is the command `portico`."""

from portico.main.cli import main

main()
