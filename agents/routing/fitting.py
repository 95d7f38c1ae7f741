"""Which examples a tenant's classifier is made of, when it is made again, and where it is kept."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from agents.models import IntentExample, IntentModel
from agents.routing import builtin, kernel
from agents.routing.kernel import KernelRidge
from knowledge.embedding.base import get_embedder
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.routing.builtin import Example

VERSION = "1"
"""Of the method; raise it when what is fitted to the same examples changes."""
IN_PLACE = 1500
"""A tenant's own examples up to which whoever needs the classifier fits it; a worker fits larger ones."""
MAX_EXAMPLES = 20_000
"""The kernel of these takes 1.6 GB while it is fitted."""
KEPT = 12
"""Classifiers of different examples that a process holds."""
STATE = """
    SELECT count(e.id),
           coalesce(sum(hashtextextended(i.name || chr(31) || e.text, 0)), 0)::text,
           coalesce(string_agg(DISTINCT i.name, ' ') FILTER (WHERE NOT i.enabled), '')
    FROM agents_intent i
    LEFT JOIN agents_intentexample e ON e.intent_id = i.id AND i.enabled
    WHERE i.tenant_id = %s
"""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """The examples of a tenant as they are now.

    Attributes:
        own: how many the tenant has of its own.
        disabled: names of the intents that are switched off.
        fingerprint: the same for the same examples under the same embedding model.
    """

    own: int
    disabled: frozenset[str]
    fingerprint: str


class _Kept:
    """Fitted classifiers of this process by fingerprint, the least used dropped first."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, KernelRidge] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, fingerprint: str) -> KernelRidge | None:
        with self._lock:
            model = self._models.get(fingerprint)
            if model is not None:
                self._models.move_to_end(fingerprint)
            return model

    def put(self, fingerprint: str, model: KernelRidge) -> KernelRidge:
        with self._lock:
            self._models[fingerprint] = model
            while len(self._models) > KEPT:
                self._models.popitem(last=False)
        return model


kept = _Kept()
_fitting = threading.Lock()


def read_state(tenant_id: int) -> State:
    """The state of the tenant in scope, by one query: .3 ms for hundreds of examples, 10 ms for 10,000."""
    with connection.cursor() as cursor:
        cursor.execute(STATE, [tenant_id])
        own, total, disabled = cursor.fetchone()
    off = frozenset(disabled.split())
    parts = (VERSION, get_embedder().name, builtin.digest(), own, total, sorted(off & builtin.DESCRIPTIONS.keys()))
    return State(own, off, hashlib.sha256(repr(parts).encode()).hexdigest())


def classifier(tenant_id: int, state: State, *, wait: bool = False) -> KernelRidge | None:
    """The classifier of a state: from memory, as stored, or fitted now where that is quick or `wait` asks for it.

    Otherwise a worker is asked to fit it and the last one, or that of the built-in examples, serves until then. None
    when there are no examples at all. Opens its own scopes.

    Raises:
        EmbedderError: examples must be embedded and the embedder cannot be used.
    """
    if (model := kept.get(state.fingerprint)) is not None:
        return model
    if not state.own:
        return _built_in(state)
    stored = _stored(tenant_id)
    if stored and stored[0] == state.fingerprint:
        return stored[1]
    if wait or state.own <= IN_PLACE:
        return fit(tenant_id)
    from agents.tasks import enqueue_fit

    enqueue_fit(tenant_id)
    return stored[1] if stored else _built_in(state)


def fit(tenant_id: int) -> KernelRidge | None:
    """Fit and store the classifier of a tenant's examples as they are now; opens its own scopes, works in none."""
    with _fitting:
        with tenant_scope(tenant_id):
            state = read_state(tenant_id)
            own = list(
                IntentExample.objects.filter(intent__enabled=True)
                .order_by("pk")
                .values_list("intent__name", "text")[:MAX_EXAMPLES]
            )
        if (model := kept.get(state.fingerprint)) is not None:
            return model
        stored = _stored(tenant_id)
        examples = [*_enabled(state), *(builtin.Example(*pair) for pair in own)]
        model = _fit(examples, dict(zip(stored[1].keys.tolist(), stored[1].vectors, strict=True)) if stored else {})
        if model is None:
            return None
        with tenant_scope(tenant_id):
            values = {"fingerprint": state.fingerprint, "classes": list(model.classes), "data": model.pack()}
            IntentModel.objects.update_or_create(tenant_id=tenant_id, defaults=values)
        return kept.put(state.fingerprint, model)


def _built_in(state: State) -> KernelRidge | None:
    with _fitting:
        name = f"built-in {sorted(state.disabled)}"
        if (model := kept.get(name)) is not None:
            return model
        model = _fit(_enabled(state), {})
        return kept.put(name, model) if model else None


def _enabled(state: State) -> list[Example]:
    return [example for example in builtin.examples() if example.intent not in state.disabled]


def _fit(examples: Sequence[Example], known: dict[int, kernel.Floats]) -> KernelRidge | None:
    if not examples:
        return None
    texts = [example.text for example in examples]
    vectors, keys = builtin.embed(get_embedder(), texts, known)
    return kernel.fit(vectors, texts, [example.intent for example in examples], keys)


def _stored(tenant_id: int) -> tuple[str, KernelRidge] | None:
    """The stored classifier and its fingerprint; None when there is none or it cannot be read."""
    with tenant_scope(tenant_id):
        fingerprint = IntentModel.objects.values_list("fingerprint", flat=True).first()
        if fingerprint is None:
            return None
        if (model := kept.get(fingerprint)) is not None:
            return fingerprint, model
        data = bytes(IntentModel.objects.values_list("data", flat=True).get())
    try:
        return fingerprint, kept.put(fingerprint, KernelRidge.unpack(data))
    except (ValueError, KeyError, EOFError, OSError):
        log.warning("The stored classifier of tenant %s cannot be read: it is fitted again", tenant_id)
        return None
