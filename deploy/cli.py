"""The `medtown` command: runs the platform and looks after it."""

import importlib
from typing import Any

import click

COMMANDS = {
    "up": ("up", "Run the whole platform here, in one process."),
    "serve": ("serve", "Run one process of a distributed installation."),
    "make-keys": ("make_keys", "Make the keys of a distributed installation."),
    "make-secrets": ("make_secrets", "Make all secrets of an installation of separate processes."),
    "migrate": ("migrate", "Bring the databases to the newest version."),
    "demo": ("demo", "Fill an empty installation with simulated demo data."),
    "simulate": ("simulate", "Write the log of a simulated local currency."),
    "import-transfers": ("import_transfers", "Replay a log of transfers into the ledger."),
    "rebuild-dashboard": ("rebuild_dashboard", "Rebuild the dashboard from the ledger's journal."),
    "verify-ledger": ("verify_ledger", "Recompute the ledger's chain, entries and balances."),
    "backup": ("backup", "Back up everything, or check a backup."),
    "restore": ("restore", "Bring a backup back."),
    "begin-timeline": ("begin_timeline", "Let a ledger that was recovered go on in a new timeline."),
    "create-admin": ("create_admin", "Register an administrator."),
    "dead-letters": ("dead_letters", "Look at events that were given up, give them back or delete them."),
    "openapi": ("openapi", "Print the API's OpenAPI description."),
    "asyncapi": ("asyncapi", "Print the events' AsyncAPI description."),
}


class _Lazy(click.Group):
    """Loads a command's module when it is asked for, so that each process imports only what it runs."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"deploy.commands.{COMMANDS[name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, meaning) for name, (_, meaning) in COMMANDS.items()])


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="medtown")
def cli() -> None:
    """MedTOWN: local complementary currencies and the measure of what they do."""


def main() -> None:
    """Entry point. Whatever is refused is one clear line and exit code 2."""
    from deploy.refusals import as_one_line

    with as_one_line():
        arguments: dict[str, Any] = {"standalone_mode": False, "prog_name": "medtown"}
        result = cli.main(**arguments)
    raise SystemExit(result if isinstance(result, int) else 0)


if __name__ == "__main__":
    main()
