"""What the service adds to the command line of the library: see `territory.cli.offered`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from territory.cli.guard import guarded
from territory.cli.options import example

if TYPE_CHECKING:
    from api.settings import Settings

PANEL = "The service"

Home = Annotated[
    Path | None,
    typer.Option(metavar="DIR", show_default=False, help="The folder of the SQLite file; else as TERRITORY_HOME says."),
]

backup = typer.Typer(add_completion=False)
restore = typer.Typer(add_completion=False)


@backup.command(
    name="backup",
    rich_help_panel=PANEL,
    epilog=example("backup monday.backup", "backup monday.backup --home /srv/territory"),
)
@guarded
def _backup(
    target: Annotated[Path, typer.Argument(metavar="DEST", show_default=False, help="A new file.")],
    home: Home = None,
) -> None:
    """Write the service's database into a file, while the service runs. DATABASE_URL says which, as for the service."""
    from api.backup import backup as write

    write(_settings(home), target)
    typer.echo(f"Written: {target}, {target.stat().st_size:,} bytes.")


@restore.command(name="restore", rich_help_panel=PANEL, epilog=example("restore monday.backup"))
@guarded
def _restore(
    source: Annotated[Path, typer.Argument(metavar="SRC", show_default=False, help="The file of a backup.")],
    home: Home = None,
) -> None:
    """Put a backup in the place of the service's database, whole or not at all. What came later is gone."""
    from api.backup import restore as put_back

    put_back(_settings(home), source)
    typer.echo(f"Restored: {source}.")


def _settings(home: Path | None) -> Settings:
    from api.settings import Settings

    return Settings() if home is None else Settings(home=home)
