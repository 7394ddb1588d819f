"""Signing in by a company's own provider: OpenID Connect Core 1.0, the code flow with PKCE (RFC 7636)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote_plus

import httpx
import sqlalchemy as sa
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session as Database

from api.auth.accounts import newcomer, update_rights, withdraw_rights
from api.auth.principal import ADMIN, REP, Principal
from api.auth.signing_in import begin_session, new_secret, secret_hash
from api.logs import request_id
from api.problems import ForbiddenError, UnauthenticatedError, UnavailableError
from api.settings import Settings
from api.store import AuditEntry, SignIn, Store, User, new_id, now

CALLBACK = "/signin/company/callback"
"""Where the provider sends the browser back to; register `public_url` and this with it."""
STARTED_SECONDS = 600.0
_TIMEOUT_SECONDS, _LEEWAY_SECONDS = 5.0, 30
_KEYS_KEPT_SECONDS, _KEYS_ASKED_AGAIN_SECONDS = 3600.0, 60.0
_SILENT = "The company's provider does not answer as it should; try again later."
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
"""With a key pair only: a shared secret, or none, would let others than the provider sign."""

Document = TypeVar("Document", bound=BaseModel)


class _Discovered(BaseModel):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Token(BaseModel):
    id_token: str
    access_token: str | None = None


class _Keys(BaseModel):
    keys: list[Any]


class Company:
    """The provider that the settings name, as it describes itself (OpenID Connect Discovery 1.0)."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._lock = settings, Lock()
        self._provider: _Discovered | None = None
        self._keys: _Keys | None = None
        self._asked = 0.0

    def begin(self, store: Store, leads_to: str) -> tuple[str, str]:
        """Where to send the browser, and the secret that it is to keep until it comes back.

        Raises
        ------
        UnavailableError
            The provider does not answer.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        endpoint = self._discovered().authorization_endpoint
        state, browser, nonce, verifier = (new_secret() for _ in range(4))
        with store.writing() as session:
            session.add(
                SignIn(
                    state_hash=secret_hash(state),
                    browser_hash=secret_hash(browser),
                    nonce=nonce,
                    verifier=verifier,
                    leads_to=leads_to,
                    created_at=now(),
                )
            )
        address = prepare_grant_uri(
            endpoint,
            self._settings.oidc_client_id,
            "code",
            redirect_uri=self._settings.address + CALLBACK,
            scope=self._settings.oidc_scope,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return str(address), browser

    def finish(self, store: Store, browser: str, state: str, code: str) -> tuple[str, Principal, str]:
        """A new session: the cookie's secret, who it is, and where he was going.

        Raises
        ------
        UnauthenticatedError
            The answer is not one to a question of this browser, was used already, came too late, or what the provider
            says of the user is not true of us.
        ForbiddenError
            The company knows him, but nobody has given him any right here.
        UnavailableError
            The provider does not answer.
        """
        started = _taken(store, state, browser)
        claims = self._claims(code, started)
        with store.writing() as session:
            user = self._user(session, claims)
            # Written before it is refused: among the users an admin finds him, and says what he may.
            has_rights = user.is_active and (user.role == ADMIN or bool(user.regions))
            opened = begin_session(session, user, self._settings) if has_rights else None
        if opened is None:
            raise ForbiddenError("Nobody has given you any right here; ask the administrator.")
        return *opened, started.leads_to

    def _claims(self, code: str, started: SignIn) -> dict[str, Any]:
        """What the provider says of the user, after everything that must be true of it is."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError

        provider, settings = self._discovered(), self._settings
        token = self._exchanged(code, started.verifier)
        rules = {
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "value": settings.oidc_client_id},
        }
        told = {"nonce": started.nonce, "client_id": settings.oidc_client_id, "access_token": token.access_token}
        try:
            decoded = jwt.decode(token.id_token, self._key_of, algorithms=_ALGORITHMS)
            claims = CodeIDToken(decoded.claims, decoded.header, rules, told)
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError) as error:
            raise UnauthenticatedError("The company's provider does not vouch for you.") from error
        return dict(claims)

    def _exchanged(self, code: str, verifier: str) -> _Token:
        """The tokens for a code; a client without a secret says who it is in the form (RFC 6749, 2.3.1 and 4.1.3)."""
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": settings.address + CALLBACK,
            "code_verifier": verifier,
        }
        auth = None
        if settings.oidc_client_secret:
            auth = (quote_plus(settings.oidc_client_id), quote_plus(settings.oidc_client_secret))
        else:
            form["client_id"] = settings.oidc_client_id
        try:
            answer = httpx.post(self._discovered().token_endpoint, data=form, auth=auth, timeout=_TIMEOUT_SECONDS)
            if answer.is_client_error:
                raise UnauthenticatedError("The company's provider does not vouch for you.")
            return _Token.model_validate_json(answer.raise_for_status().content)
        except (httpx.HTTPError, ValidationError) as error:
            raise UnavailableError(_SILENT) from error

    def _key_of(self, token: Any) -> Any:
        """The provider's key that a token names; asked for once more when it is a new one."""
        from joserfc.jwk import KeySet

        wanted = token.headers().get("kid")
        keys = self._fetched_keys(older_than=_KEYS_KEPT_SECONDS)
        if wanted is not None and wanted not in {key.get("kid") for key in keys.keys}:
            keys = self._fetched_keys(older_than=_KEYS_ASKED_AGAIN_SECONDS)
        return KeySet.import_key_set({"keys": keys.keys})

    def _discovered(self) -> _Discovered:
        with self._lock:
            if self._provider is None:
                issuer = self._settings.oidc_issuer
                found = _fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration", _Discovered)
                if found.issuer != issuer:
                    raise UnavailableError(f"The provider calls itself {found.issuer}, and not {issuer}.")
                self._provider = found
            return self._provider

    def _fetched_keys(self, older_than: float) -> _Keys:
        address = self._discovered().jwks_uri
        with self._lock:
            if self._keys is None or time.monotonic() - self._asked > older_than:
                self._keys, self._asked = _fetched(address, _Keys), time.monotonic()
            return self._keys

    def _user(self, session: Database, claims: Mapping[str, Any]) -> User:
        """The user whom the claims are about: known by his subject, else by his e-mail, else new."""
        subject = f"{claims['iss']} {claims['sub']}"
        user = session.scalars(sa.select(User).where(User.subject == subject)).first()
        email = str(claims.get("email", "")).lower() if claims.get("email_verified") is True else ""
        if user is None and email:
            # Only once: from then on the subject counts, which no other person is ever given.
            of_email = sa.select(User).where(User.login == email, User.subject.is_(None))
            user = session.scalars(of_email).first()
            if user is not None and user.must_change_password:
                # Nobody needs the one-time password any more.
                user.password_hash, user.must_change_password = None, False
        if user is None:
            user = newcomer(session, email or subject, str(claims.get("name") or email or subject))
            _note(session, "user.created", user, subject)
        user.subject, user.vouched_at = subject, now()
        grant = granted(claims, self._settings)
        session.flush()
        # A role that the company has taken away is taken away here; rights that an admin has given stay his to take.
        if withdraw_rights(session, user) if grant is None else update_rights(session, user, *grant):
            _note(session, "user.changed", user, subject)
        return user


def _note(session: Database, action: str, user: User, subject: str) -> None:
    """Write into the audit what the company's word has done."""
    said = {"role": user.role, "regions": user.regions, "rep_id": user.rep_id, "subject": subject}
    session.add(
        AuditEntry(
            id=new_id("audit"),
            at=now(),
            user_id=user.id,
            action=action,
            object_id=user.id,
            details=said,
            request_id=request_id.get(),
        )
    )


def forget_started(session: Database) -> None:
    """Forget who went to the provider and has not come back."""
    session.execute(sa.delete(SignIn).where(SignIn.created_at <= now() - STARTED_SECONDS))


def granted(claims: Mapping[str, Any], settings: Settings) -> tuple[str, list[str], str | None] | None:
    """Role, regions and rep_id that the configuration gives to who has these claims; None when it gives nothing.

    Of several roles the first of the configuration counts; a rep needs a rep_id among the claims.
    """
    held = _claimed(claims, settings.oidc_roles_claim)
    for name, grant in settings.oidc_roles.items():
        if name not in held:
            continue
        if grant.role != REP:
            return grant.role, list(grant.regions), None
        for rep_id in _claimed(claims, settings.oidc_rep_claim)[:1]:
            return grant.role, list(grant.regions), rep_id
    return None


def _claimed(claims: Mapping[str, Any], name: str) -> list[str]:
    """The texts under a claim; dots lead into objects, as in ``realm_access.roles``."""
    said: Any = claims
    for part in name.split("."):
        said = said.get(part) if isinstance(said, Mapping) else None
    return [each for each in (said if isinstance(said, list) else [said]) if isinstance(each, str)]


def _taken(store: Store, state: str, browser: str) -> SignIn:
    """What was begun under this state, by this browser; it can be taken once."""
    with store.writing() as session:
        started = session.get(SignIn, secret_hash(state), with_for_update=True)
        if started is not None:
            session.delete(started)
    is_own = started is not None and secret_hash(browser) == started.browser_hash
    if started is None or not is_own or started.created_at <= now() - STARTED_SECONDS:
        raise UnauthenticatedError("This was not begun here, was used already, or came too late; sign in again.")
    return started


def _fetched(address: str, kind: type[Document]) -> Document:
    try:
        answer = httpx.get(address, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        return kind.model_validate_json(answer.content)
    except (httpx.HTTPError, ValidationError) as error:
        raise UnavailableError(_SILENT) from error
