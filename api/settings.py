"""What may be configured, by environment variables: `TERRITORY_...` and `DATABASE_URL`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MEGABYTE = 1024 * 1024


class Grant(BaseModel):
    """What a role at the company gives its users here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["admin", "manager", "planner", "rep"]
    regions: tuple[str, ...] = ()


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
    upload_seconds: Annotated[float, Field(gt=0)] = 600.0
    """How long reading an upload may take; there are files without an end."""

    unused_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """How long content that nothing refers to any more is kept; longer than any request takes."""

    backups: Path | None = None
    """Where the backups of the admin's page lie, by default in `home`; one folder for this and workers elsewhere."""
    backups_kept: Annotated[int, Field(ge=1)] = 3
    """How many of them stay; older ones are removed."""

    dask: str = ""
    """The scheduler of a Dask cluster, as in `tcp://scheduler:8786`, on which jobs plan; by default they plan here.

    Whoever reaches a scheduler runs what he likes on its workers: keep it in a network of its own, or under TLS.
    """

    body_bytes: Annotated[int, Field(ge=1024)] = 2 * MEGABYTE
    upload_bytes: Annotated[int, Field(ge=1024)] = 100 * MEGABYTE
    portfolios_kept: Annotated[int, Field(ge=1)] = 8
    """Portfolios and proposals that stay decoded in memory."""

    roads: str = ""
    """Where minutes by road come from: a file of `territory roads build`, or a server, as `osrm+http://host:5000`."""
    travel_key: str = ""
    """The server's key, where it asks for one."""

    route_processes: Annotated[int, Field(ge=0, le=64)] = 1
    """Processes that solve reps' days; 0 lets each request solve its own, which keeps the others waiting."""
    route_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How long a day may take to be solved, and how long a request waits for its turn."""

    session_seconds: Annotated[float, Field(gt=0)] = 12 * 3600.0
    """How long a session lasts after signing in."""
    oidc_issuer: str = ""
    """The company's OpenID provider, as it calls itself; without it, and `oidc_client_id`, there is none."""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name: str = ""
    """How people call the provider: "Sign in with ..."."""
    oidc_scope: str = "openid email profile"
    oidc_roles_claim: str = "roles"
    """The claim with a user's roles at the company; dots lead into objects, as in `realm_access.roles`."""
    oidc_rep_claim: str = "rep_id"
    """The claim with the rep_id of a rep."""
    oidc_roles: dict[str, Grant] = {}
    """Role at the company -> what it gives here: `{"sales-east": {"role": "manager", "regions": ["east"]}}`.

    Whoever has lost it there has lost it here when he signs in next, which the two settings below make him do.
    """
    oidc_session_seconds: Annotated[float, Field(gt=0)] = 4 * 3600.0
    """How long the company's word counts in a browser: then it is asked again, mostly without anybody noticing."""
    oidc_token_seconds: Annotated[float, Field(gt=0)] = 7 * 24 * 3600.0
    """How long tokens and calendars of who has his rights from the company go on after he has signed in there last."""

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
    def address(self) -> str:
        """How a browser reaches the service, without a slash at the end."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def has_company(self) -> bool:
        """Whether people may sign in by their company's provider."""
        return bool(self.oidc_issuer and self.oidc_client_id)

    @property
    def has_secure_cookies(self) -> bool:
        """Whether cookies travel over https only."""
        return self.public_url.startswith("https:") if self.secure_cookies is None else self.secure_cookies
