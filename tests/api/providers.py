"""A company's OpenID provider on a port of this machine, as strict as a real one, that says what a test wants."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.loopback import Loopback, Quiet

CLIENT, SECRET = "territory", "a secret: with / and %"


class Provider(Loopback):
    """Issues codes for what `Company.begin` asks, and an ID token for each code, once.

    claims : what is said of the user beside what must be said
    wrong : claims that are false, or None to leave one out
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.wrong: dict[str, Any] = {}
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.known_keys = [self.key]
        self.is_silent = False
        self._asked: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if urlsplit(self.path).path == "/.well-known/openid-configuration":
                    self._answer(200, provider._discovery())
                elif self.path == "/keys":
                    self._answer(200, KeySet(provider.known_keys).as_dict(private=False))
                else:
                    self._answer(404, {})

            def do_POST(self) -> None:
                form = {name: values[0] for name, values in parse_qs(self._body()).items()}
                self._answer(*provider._token(form, self.headers.get("Authorization", "")))

            def _body(self) -> str:
                return self.rfile.read(int(self.headers["Content-Length"])).decode()

            def _answer(self, status: int, content: object) -> None:
                self.send_response(503 if provider.is_silent else status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

        super().__init__(Handler)
        self.issuer = self.url

    def agree(self, address: str) -> dict[str, str]:
        """The user signs in at the provider: what the browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?")
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe()
        self._asked[code] = asked
        return {"state": asked["state"], "code": code}

    def _discovery(self) -> dict[str, str]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, str]]:
        asked = self._asked.pop(form.get("code", ""), None)
        # RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
        expected = base64.b64encode(b"territory:a+secret%3A+with+%2F+and+%25").decode()
        if asked is None or authorization != f"Basic {expected}":
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        at = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "42",
            "aud": CLIENT,
            "iat": at,
            "exp": at + 300,
            "nonce": asked["nonce"],
            **self.claims,
            **self.wrong,
        }
        told = {name: value for name, value in claims.items() if value is not None}
        return 200, {"id_token": jwt.encode({"alg": "RS256", "kid": self.key.kid}, told, self.key), "access_token": "x"}
