"""What may be configured, by environment variables: `TERRITORY_...` and `DATABASE_URL`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MEGABYTE = 1024 * 1024


class Settings(BaseSettings):
    """Everything that differs between one installation and another. Seconds and bytes throughout."""

    model_config = SettingsConfigDict(env_prefix="TERRITORY_", frozen=True, populate_by_name=True)

    home: Path = Path("territory-data")
    """Where the SQLite file lies."""
    database_url: str = Field(default="", validation_alias=AliasChoices("DATABASE_URL", "TERRITORY_DATABASE_URL"))
    """`postgresql://...`, or `sqlite:///...`; by default a SQLite file in `home`."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    public_url: str = ""
    """How people reach the service, when it stands behind a proxy: `https://plans.example.com`."""
    secure_cookies: bool | None = None
    """Whether cookies travel over https only; by default when `public_url` is https."""

    slots: Annotated[int, Field(ge=0, le=64)] = 2
    """Jobs that the worker of `territory-serve` runs at once; 0 when workers run elsewhere."""
    lease_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long a job stays with a worker that is silent."""
    poll_seconds: Annotated[float, Field(gt=0)] = 0.2
    grace_seconds: Annotated[float, Field(ge=0)] = 10.0
    """How long running jobs and requests may take to end when the service is stopped."""
    job_memory: Annotated[int, Field(ge=64 * MEGABYTE)] = 4096 * MEGABYTE
    upload_memory: Annotated[int, Field(ge=64 * MEGABYTE)] = 2048 * MEGABYTE
    """Memory of the child process that reads an upload."""

    body_bytes: Annotated[int, Field(ge=1024)] = 2 * MEGABYTE
    upload_bytes: Annotated[int, Field(ge=1024)] = 100 * MEGABYTE
    portfolios_kept: Annotated[int, Field(ge=1)] = 8
    """Portfolios and proposals that stay decoded in memory."""

    session_seconds: Annotated[float, Field(gt=0)] = 12 * 3600.0
    """How long a session lasts after signing in."""
    metrics_token: str = ""
    """Who presents it as a bearer token may read `/metrics`; without it only this machine may."""
    webhook_hosts: tuple[str, ...] = ()
    """Hosts that webhooks may be sent to; none by default."""

    @property
    def url(self) -> str:
        """Where the database is, with the driver that we use."""
        if not self.database_url:
            return f"sqlite:///{self.home.resolve() / 'territory.sqlite'}"
        for scheme in ("postgresql://", "postgres://"):
            if self.database_url.startswith(scheme):
                return "postgresql+psycopg://" + self.database_url.removeprefix(scheme)
        return self.database_url

    @property
    def has_secure_cookies(self) -> bool:
        """Whether cookies travel over https only."""
        return self.public_url.startswith("https:") if self.secure_cookies is None else self.secure_cookies
