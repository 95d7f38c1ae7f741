"""Loads what the first answer needs when a web process starts, beside the event loop."""

import logging
import threading

log = logging.getLogger(__name__)
_state = {"now": "starting"}


def start() -> None:
    """Begins once, in a thread of its own; `done` tells when it has ended."""
    threading.Thread(target=_load, name="warm-up", daemon=True).start()


def done() -> bool:
    """Whether this process can answer."""
    return _state["now"] == "ready"


def state() -> str:
    """What it is doing, or why it cannot answer."""
    return _state["now"]


def _load() -> None:
    from knowledge.embedding.base import get_embedder

    _state["now"] = "loading the embedding model"
    try:
        get_embedder().encode_query("ready")
    except Exception as error:  # the reason is shown by /healthz, whatever it is
        log.exception("The embedding model could not be loaded")
        _state["now"] = f"the embedding model could not be loaded: {error}"
    else:
        _state["now"] = "ready"
