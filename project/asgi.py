"""The ASGI application, the same under daphne, uvicorn and granian."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
http = get_asgi_application()

# Django must be set up before the modules below are imported.
from channels.auth import AuthMiddlewareStack  # noqa: E402

from chat.consumers import ChatConsumer  # noqa: E402
from project import pulse, warm_up  # noqa: E402

pulse.start()
warm_up.start()
sockets = AuthMiddlewareStack(URLRouter([path("ws/<slug:slug>/chat/", ChatConsumer.as_asgi())]))  # type: ignore[arg-type] # an ASGI application, no view
application = ProtocolTypeRouter({"http": http, "websocket": sockets})
