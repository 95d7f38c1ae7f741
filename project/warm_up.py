"""Loads what the first answer needs when a web process starts, beside the event loop."""

import gc
import logging
import threading
import time

from django.db import connections

TENANTS = 20  # whose passages are loaded before the first question
GARBAGE = (20_000, 20, 20)  # new objects before the collector looks: a sixth more replies than with 700
RETRY_AFTER = 2.0  # seconds
log = logging.getLogger(__name__)
_state = {"now": "starting"}


def start() -> None:
    """Begins once, in a thread of its own; `done` tells when it has ended."""
    threading.Thread(target=_load, name="warm-up", daemon=True).start()


def wait(seconds: float) -> bool:
    """Returns once this process can answer, or after so many seconds; tells which."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    return done()


def done() -> bool:
    """Whether this process can answer."""
    return _state["now"] == "ready"


def state() -> str:
    """What it is doing, or why it cannot answer."""
    return _state["now"]


def _load() -> None:
    while not done():
        try:
            _load_model()
            _load_replicas()
            _load_intents()
            _load_signals()
        except (
            Exception
        ) as error:  # /healthz shows the reason, whatever it is, and what passes by itself is tried again
            log.exception("This process cannot answer yet")
            _state["now"] = f"cannot answer yet: {error}"
            time.sleep(RETRY_AFTER)
        else:
            _spare_the_collector()
            _state["now"] = "ready"
    connections.close_all()  # of this thread


def _spare_the_collector() -> None:
    """Sets apart what is loaded, which stays: to search all of it for garbage holds up every stream for up to 0.4 s.

    And garbage is looked for less often: a turn makes some ten thousand objects, nearly all of which go by themselves.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def _load_model() -> None:
    from agents import runner  # noqa: F401 (what the first turn would import)
    from knowledge.embedding.base import get_embedder

    _state["now"] = "loading the embedding model"
    get_embedder().encode_query("ready")


def _load_replicas() -> None:
    """Of some tenants only: the others' load with their first question, large ones' in the background."""
    from knowledge.indexes import storage
    from knowledge.indexes.replica import replicas
    from tenants.models import Tenant

    _state["now"] = "loading passages"
    storage.sweep(set(Tenant.objects.values_list("pk", flat=True)))
    for tenant in Tenant.objects.filter(active=True).order_by("pk")[:TENANTS]:
        replicas.get(tenant.pk)


def _load_intents() -> None:
    """What tells intents apart, and the names of products. A reply can do without, so the start goes on regardless."""
    from agents.routing.intents import understand
    from tenants.models import Tenant

    _state["now"] = "loading intents"
    for tenant in Tenant.objects.filter(active=True).order_by("pk")[:TENANTS]:
        try:
            understand(tenant.pk, "ready", language=tenant.language)
        except Exception:  # without intents a process can still answer
            log.exception("The intents of %s could not be loaded", tenant.slug)


def _load_signals() -> None:
    """What tells attempts to turn the assistant from other messages; rules alone serve where it cannot be had."""
    from agents.guardrails.injection import injection_model
    from knowledge.embedding.base import EmbedderError

    _state["now"] = "loading signals"
    try:
        injection_model()
    except EmbedderError:
        log.exception("Messages are inspected by rules alone")
