"""Signing on: Google's consent page, token, refresh and revocation, with tokens that expire by the stand-in's clock.

https://developers.google.com/identity/protocols/oauth2/native-app. Stricter than Google: PKCE with S256 is demanded,
and a redirection goes to the loopback only.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from tests.standins.youtube_clock import Clock
from tests.standins.youtube_discovery import Method
from tests.standins.youtube_errors import Json, Refusal

SCOPE = "https://www.googleapis.com/auth/"
EVERY_CALL = (SCOPE + "youtube.force-ssl", SCOPE + "yt-analytics.readonly")
ACCESS_SECONDS = 3599
TESTING_SECONDS = 604_799  # a consent screen in testing: seven days
UNUSED = timedelta(days=183)  # six months
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass
class Account:
    """A channel that a person may pick at consent. live: what YouTube says to live calls ("" : enabled)."""

    name: str
    channel_id: str
    title: str
    live: str = ""  # or "liveStreamingNotEnabled", "livePermissionBlocked", "insufficientLivePermissions"
    embed_allowed: bool = False  # `enableEmbed: true` fails on many channels
    long_uploads: str = "allowed"

    @property
    def uploads(self) -> str:
        """The id of its uploads playlist."""
        return "UU" + self.channel_id[2:]


@dataclass
class Grant:
    """One refresh token."""

    account: Account
    scopes: frozenset[str]
    used: datetime
    expires: datetime | None = None
    revoked: bool = False


@dataclass
class Access:
    """One access token."""

    grant: Grant
    expires: datetime


@dataclass
class Code:
    """One authorisation code, good once."""

    account: Account
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str
    expires: datetime


class TokenRefusal(Exception):
    """The token endpoint's own form of error: {"error", "error_description"}."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


@dataclass
class SignOn:
    """consents_as: the name of the account picked at the next consent; denies: the person says no.

    granted: the scopes the person leaves ticked (None: all); testing: the consent screen is in testing.
    """

    clock: Clock
    client_id: str = "1234567890-laktare.apps.googleusercontent.com"
    client_secret: str = "GOCSPX-" + secrets.token_urlsafe(12)
    accounts: dict[str, Account] = field(default_factory=dict)
    consents_as: str | None = None
    denies: bool = False
    granted: frozenset[str] | None = None
    testing: bool = False
    _codes: dict[str, Code] = field(default_factory=dict)
    _grants: dict[str, Grant] = field(default_factory=dict)
    _accesses: dict[str, Access] = field(default_factory=dict)

    def consent(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to. Refusal 400 where Google shows a page of error instead."""
        redirect = query.get("redirect_uri", "")
        parts = urlsplit(redirect)
        if query.get("client_id") != self.client_id:
            raise Refusal(401, "invalid_client", "The OAuth client was not found.")
        if parts.scheme != "http" or parts.hostname not in LOOPBACK:
            raise Refusal(400, "redirect_uri_mismatch", "an installed application redirects to the loopback")
        if query.get("response_type") != "code":
            raise Refusal(400, "invalid_request", "response_type must be code")
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            raise Refusal(400, "invalid_request", "PKCE with S256 is demanded")
        scopes = frozenset(query.get("scope", "").split())
        if not scopes or any(not scope.startswith(SCOPE + "y") for scope in scopes):
            raise Refusal(400, "invalid_scope", "Some requested scopes were invalid.")
        answer = {"state": query["state"]} if "state" in query else {}
        if self.denies:
            return f"{redirect}?{urlencode({'error': 'access_denied', **answer})}"
        account = self._picked()
        scopes = scopes if self.granted is None else scopes & self.granted
        code = "4/" + secrets.token_urlsafe(32)
        expires = self.clock.now() + timedelta(minutes=10)
        self._codes[code] = Code(account, scopes, redirect, query["code_challenge"], expires)
        return f"{redirect}?{urlencode({'code': code, 'scope': ' '.join(sorted(scopes)), **answer})}"

    def _picked(self) -> Account:
        if not self.accounts:
            raise Refusal(400, "invalid_request", "no account has been added to the stand-in")
        return self.accounts[self.consents_as] if self.consents_as else next(iter(self.accounts.values()))

    def token(self, form: dict[str, str]) -> Json:
        """What the token endpoint answers. TokenRefusal for everything that is not right."""
        if form.get("client_id") != self.client_id or form.get("client_secret") != self.client_secret:
            raise TokenRefusal("invalid_client", "The OAuth client was not found.", 401)
        match form.get("grant_type"):
            case "authorization_code":
                return self._redeem(form)
            case "refresh_token":
                return self._refresh(form.get("refresh_token", ""))
        raise TokenRefusal("unsupported_grant_type", "Invalid grant_type")

    def _redeem(self, form: dict[str, str]) -> Json:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.expires < self.clock.now():
            raise TokenRefusal("invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != code.redirect_uri:
            raise TokenRefusal("redirect_uri_mismatch", "Bad Request")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
            raise TokenRefusal("invalid_grant", "Invalid code verifier.")
        refresh = self.issue(code.account, code.scopes)
        answer = {**self._access(self._grants[refresh]), "refresh_token": refresh}
        if self.testing:
            answer["refresh_token_expires_in"] = TESTING_SECONDS
        return answer

    def _refresh(self, token: str) -> Json:
        grant, now = self._grants.get(token), self.clock.now()
        dead = (
            grant is None or grant.revoked or now - grant.used > UNUSED or (grant.expires and grant.expires <= now)
        )  # fmt: skip
        if grant is None or dead:
            raise TokenRefusal("invalid_grant", "Token has been expired or revoked.")
        return self._access(grant)

    def _access(self, grant: Grant) -> Json:
        now = self.clock.now()
        grant.used = now
        token = "ya29." + secrets.token_urlsafe(48)
        self._accesses[token] = Access(grant, now + timedelta(seconds=ACCESS_SECONDS))
        return {
            "access_token": token, "expires_in": ACCESS_SECONDS, "token_type": "Bearer",
            "scope": " ".join(sorted(grant.scopes)),
        }  # fmt: skip

    def issue(self, account: Account, scopes: frozenset[str]) -> str:
        """A refresh token, as if the person had been to the consent page."""
        now = self.clock.now()
        token = "1//" + secrets.token_urlsafe(48)
        expires = now + timedelta(seconds=TESTING_SECONDS) if self.testing else None
        self._grants[token] = Grant(account, scopes, now, expires)
        return token

    def issue_access(self, account: Account, scopes: frozenset[str]) -> str:
        """An access token alone, for a test without google-auth."""
        return str(self._access(self._grants[self.issue(account, scopes)])["access_token"])

    def revoke(self, token: str) -> bool:
        """Kill a refresh token, or the one behind an access token; False: there is no such token."""
        grant = self._grants.get(token)
        if grant is None and token in self._accesses:
            grant = self._accesses[token].grant
        if grant is None or grant.revoked:
            return False
        grant.revoked = True
        return True

    def revoke_account(self, account: Account) -> None:
        """The person takes back the consent: every token of the account is dead."""
        for grant in self._grants.values():
            grant.revoked |= grant.account is account

    def expire_accesses(self) -> None:
        """Every access token is dead from now on; refreshing gives a new one."""
        self._accesses.clear()

    def secrets(self) -> list[str]:
        """Everything of it that no log may hold."""
        return [self.client_secret, *self._grants, *self._accesses, *self._codes]

    def who(self, authorization: str | None, method: Method) -> Account:
        """Whose token a request carries. Refusal 401 for a dead one, 403 where its scopes do not reach."""
        token = (authorization or "").removeprefix("Bearer ")
        access = self._accesses.get(token)
        if access is None or access.grant.revoked or access.expires <= self.clock.now():
            raise Refusal(
                401, "authError" if token else "required", "Request had invalid authentication credentials.",
                headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
            )  # fmt: skip
        if not access.grant.scopes & method.scopes:
            raise Refusal(
                403, "insufficientPermissions", "Request had insufficient authentication scopes.",
                headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
            )  # fmt: skip
        return access.grant.account
