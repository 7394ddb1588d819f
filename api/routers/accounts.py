"""Signing in, oneself, users, tokens, the audit and webhooks."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request, Response

from api import auth
from api.auth import EVERYONE
from api.exchange import IfMatch, Json, needs
from api.exchange.access import BY_COMPANY, COOKIE, DOOR
from api.exchange.formats import choose_format, document
from api.exchange.responses import NO_STORE
from api.exchange.route import OPEN
from api.planning import administration
from api.planning.desk import Desk, etag
from api.routers.parts import (
    LISTED,
    SHOWN,
    USUAL_PAGE,
    Admin,
    After,
    AnyUser,
    Form,
    Lists,
    PageSize,
    RowId,
    Things,
    router,
    secret_document,
)
from api.schemas import (
    AuditShown,
    Many,
    MeShown,
    NewToken,
    NewWebhook,
    OneTimePassword,
    PasswordChange,
    SignIn,
    TokenRequest,
    TokenShown,
    UserChange,
    UserRequest,
    UserShown,
    WebhookRequest,
    WebhookShown,
)

routes = router("accounts")
Newcomer = Annotated[Desk, needs(EVERYONE, with_one_time_password=True)]


@routes.post("/session", status_code=201, response_model=MeShown, openapi_extra=OPEN)
def sign_in(request: Request, ask: SignIn) -> Response:
    """Sign in with login and password; the answer sets a cookie and names the CSRF token."""
    state = request.app.state
    address = request.client.host if request.client else ""
    secret, who = auth.sign_in(state.store, state.settings, ask.login, ask.password, address)
    response = Json(administration.shown_principal(who), status_code=201, headers={"Cache-Control": NO_STORE})
    response.set_cookie(
        COOKIE, secret, httponly=True, samesite="lax", secure=state.settings.has_secure_cookies, path="/"
    )
    return response


@routes.delete("/session", status_code=204)
def sign_out(request: Request, desk: Newcomer) -> Response:
    """Sign out."""
    auth.sign_out(desk.write(), request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/")
    # Or the door would let him in again at once.
    response.delete_cookie(BY_COMPANY, path=DOOR)
    return response


@routes.get("/me", response_model=MeShown)
def me(request: Request, desk: Newcomer, f: Form = None) -> Response:
    """Who you are, and the CSRF token of your session."""
    choose_format(request, ("json",))
    return Json(administration.shown_principal(desk.who), headers={"Cache-Control": NO_STORE})


@routes.put("/me/password", status_code=204)
def change_password(request: Request, desk: Newcomer, ask: PasswordChange) -> Response:
    """Replace your password; all your sessions end."""
    auth.change_password(request.app.state.store, desk.who, ask.old, ask.new)
    desk.record("password.changed", desk.who.user_id)
    return Response(status_code=204)


@routes.get("/tokens", response_model=Many[TokenShown], responses=LISTED)
def list_tokens(desk: AnyUser, lists: Lists) -> Response:
    """Your tokens, without their secrets."""
    items = [administration.shown_token(token) for token in administration.tokens(desk, desk.who.user_id)]
    return lists.whole(items)


@routes.post("/tokens", status_code=201, response_model=NewToken)
def create_token(desk: AnyUser, ask: TokenRequest) -> Response:
    """A token for a program that works in your name; its secret is shown this once."""
    token, secret = auth.create_token(desk.write(), desk.who, ask.name, ask.days)
    desk.record("token.created", token.id, name=ask.name)
    return secret_document({**administration.shown_token(token), "secret": secret}, f"/v1/tokens/{token.id}")


@routes.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: RowId, desk: AnyUser) -> Response:
    """Take a token away; the program that has it is out at once."""
    auth.revoke_token(desk.write(), desk.who, token_id)
    desk.record("token.revoked", token_id)
    return Response(status_code=204)


@routes.get("/users", response_model=Many[UserShown], responses=LISTED)
def list_users(desk: Admin, lists: Lists, after: After = None, limit: PageSize = USUAL_PAGE) -> Response:
    """The users."""
    users, count, last = administration.users(desk, after, limit)
    items = [administration.shown_user(user) for user in users]
    return lists.page(items, count, last)


@routes.post("/users", status_code=201, response_model=OneTimePassword)
def create_user(desk: Admin, ask: UserRequest) -> Response:
    """A new user, and the one-time password to hand over; it is shown this once."""
    user, password = auth.create_user(desk.write(), **ask.model_dump())
    desk.record("user.created", user.id, login=user.login, role=user.role)
    content = {"user": administration.shown_user(user), "one_time_password": password}
    return secret_document(content, f"/v1/users/{user.id}")


@routes.get("/users/{user_id}", response_model=UserShown, responses=SHOWN)
def get_user(user_id: RowId, desk: Admin, things: Things) -> Response:
    """One user."""
    user = administration.user(desk, user_id)
    return things.show(administration.shown_user(user), etag(user))


@routes.patch("/users/{user_id}", response_model=UserShown)
def change_user(request: Request, user_id: RowId, desk: Admin, revision: IfMatch, ask: UserChange) -> Response:
    """Change what a user is and may see; it counts from the next request on."""
    user = administration.change(desk, user_id, revision, ask.model_dump(exclude_unset=True))
    return document(request, administration.shown_user(user), etag(user))


@routes.get("/users/{user_id}/tokens", response_model=Many[TokenShown], responses=LISTED)
def list_tokens_of(user_id: RowId, desk: Admin, lists: Lists) -> Response:
    """A user's tokens, without their secrets; `DELETE /v1/tokens/ID` revokes one."""
    user = administration.user(desk, user_id)
    return lists.whole([administration.shown_token(token) for token in administration.tokens(desk, user.id)])


@routes.post("/users/{user_id}/password", status_code=201, response_model=OneTimePassword)
def reset_password(user_id: RowId, desk: Admin) -> Response:
    """A new one-time password for somebody who has forgotten the old one; sessions and tokens end."""
    user = administration.user(desk, user_id)
    password = auth.reset_password(desk.write(), user)
    desk.record("password.reset", user.id)
    return secret_document(
        {"user": administration.shown_user(user), "one_time_password": password}, f"/v1/users/{user.id}"
    )


@routes.get("/audit", response_model=Many[AuditShown], responses=LISTED)
def audit(desk: Admin, lists: Lists, after: After = None, limit: PageSize = USUAL_PAGE) -> Response:
    """Who did what, the latest first."""
    entries, count, last = administration.audit(desk, after, limit)
    items = [administration.shown_entry(entry) for entry in entries]
    return lists.page(items, count, last)


@routes.get("/webhooks", response_model=Many[WebhookShown], responses=LISTED)
def list_webhooks(desk: Admin, lists: Lists) -> Response:
    """Where events are sent."""
    items = [administration.shown_webhook(desk, webhook) for webhook in administration.webhooks(desk)]
    return lists.whole(items)


@routes.post("/webhooks", status_code=201, response_model=NewWebhook)
def create_webhook(desk: Admin, ask: WebhookRequest) -> Response:
    """Send events to an address; the secret that signs them is shown this once."""
    webhook = administration.create_webhook(desk, ask.url, ask.events)
    content = {**administration.shown_webhook(desk, webhook), "secret": webhook.secret}
    return secret_document(content, f"/v1/webhooks/{webhook.id}")


@routes.post("/webhooks/{webhook_id}/resume", response_model=WebhookShown)
def resume_webhook(webhook_id: RowId, desk: Admin) -> Response:
    """Try again what waits for a webhook; one that is off is on again."""
    return Json(administration.shown_webhook(desk, administration.resume_webhook(desk, webhook_id)))


@routes.delete("/webhooks/{webhook_id}", status_code=204)
def remove_webhook(webhook_id: RowId, desk: Admin) -> Response:
    """Send no more events there."""
    administration.remove_webhook(desk, webhook_id)
    return Response(status_code=204)
