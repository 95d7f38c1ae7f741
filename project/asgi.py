"""The ASGI application, the same under daphne, uvicorn and granian."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
http = get_asgi_application()

# Django must be set up before the modules below are imported.
from channels.auth import AuthMiddlewareStack  # noqa: E402 (after the set-up)

from chat.consumers import ChatConsumer  # noqa: E402 (after the set-up)
from chat.upkeep import get_hub  # noqa: E402 (after the set-up)
from project import pulse, warm_up  # noqa: E402 (after the set-up)

pulse.start()
warm_up.start()
routes = URLRouter([path("ws/<slug:slug>/chat/", ChatConsumer.as_asgi())])  # type: ignore[arg-type] # an application, no view
upkeep: set[asyncio.Task[Any]] = set()


async def sockets(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Finds out who opens a socket; only then, so that frames need not pass through the middleware of sessions."""

    async def opened(scope: Any, receive: Any, _send: Any) -> None:
        await routes(scope, receive, send)

    await AuthMiddlewareStack(opened)(scope, receive, send)


protocols = ProtocolTypeRouter({"http": http, "websocket": sockets})


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serves a request; the first one starts what a process does all the time, such as to take over from dead ones."""
    if not upkeep:
        upkeep.add(asyncio.create_task(get_hub()))
    await protocols(scope, receive, send)
