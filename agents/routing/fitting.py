"""Which examples a tenant's classifier is made of, when it is made again, and where it is kept."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from agents.models import Intent, IntentExample, IntentModel
from agents.routing import builtin, kernel
from agents.routing.classifier import Classifier
from knowledge.embedding.base import get_embedder
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agents.routing.builtin import Example
    from agents.routing.kernel import KernelRidge
    from knowledge.embedding.base import Floats

VERSION = "1"
"""Of the method; raise it when what is fitted to the same examples changes."""
IN_PLACE = 200
"""A tenant's own examples up to which the first who needs the classifier fits it; otherwise a worker does."""
MAX_EXAMPLES = 20_000
"""The kernel of these takes 1.6 GB while it is fitted."""
KEPT = 12
"""Classifiers of different examples that a process holds."""
STATE = """
    SELECT count(e.id),
           coalesce(sum(hashtextextended(concat_ws(chr(31), i.name, i.label, i.description, e.text), 0)), 0)::text,
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
        self._models: OrderedDict[str, Classifier] = OrderedDict()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._models)

    def get(self, fingerprint: str) -> Classifier | None:
        with self._lock:
            model = self._models.get(fingerprint)
            if model is not None:
                self._models.move_to_end(fingerprint)
            return model

    def put(self, fingerprint: str, model: Classifier) -> Classifier:
        with self._lock:
            self._models[fingerprint] = model
            while len(self._models) > KEPT:
                self._models.popitem(last=False)
        return model


kept = _Kept()
_fitting = threading.Lock()


def is_warm() -> bool:
    """Whether this process holds a classifier: until then the first who needs one waits for it to be fitted."""
    return bool(kept)


def read_state(tenant_id: int) -> State:
    """The state of the tenant in scope, by one query: .3 ms for hundreds of examples, 10 ms for 10,000."""
    with connection.cursor() as cursor:
        cursor.execute(STATE, [tenant_id])
        own, total, disabled = cursor.fetchone()
    off = frozenset(disabled.split())
    parts = (VERSION, get_embedder().name, builtin.digest(), own, total, sorted(off & builtin.DESCRIPTIONS.keys()))
    return State(own, off, hashlib.sha256(repr(parts).encode()).hexdigest())


def classifier(tenant_id: int, state: State, *, wait: bool = False) -> Classifier:
    """The classifier of a state: from memory, as stored, or fitted now where that is quick or `wait` asks for it.

    Otherwise a worker is asked to fit it and the last one, or that of the built-in examples, serves until then. Opens
    its own scopes.

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
    if wait or (stored is None and state.own <= IN_PLACE):
        return fit(tenant_id)
    from agents.tasks import enqueue_fit

    with tenant_scope(tenant_id):
        enqueue_fit(tenant_id)
    return stored[1] if stored else _built_in(state)


def fit(tenant_id: int) -> Classifier:
    """Fit and store the classifier of a tenant's examples as they are now; opens its own scopes, works in none.

    Raises:
        EmbedderError: examples must be embedded and the embedder cannot be used.
    """
    with tenant_scope(tenant_id):
        state = read_state(tenant_id)
        rows = IntentExample.objects.filter(intent__enabled=True).order_by("-pk")
        own = [builtin.Example(*pair) for pair in rows.values_list("intent__name", "text")[:MAX_EXAMPLES]]
        own += [*_said_by_names({example.intent for example in own})] if own else []
    if not own:
        return _built_in(state)
    stored = _stored(tenant_id)
    with _fitting:
        model = kept.get(state.fingerprint) or _fit_both(state, own, _vectors(stored[1]) if stored else {})
    if stored and stored[0] == state.fingerprint:
        return model
    with tenant_scope(tenant_id):
        classes = sorted({example.intent for example in own})
        values = {"fingerprint": state.fingerprint, "classes": classes, "data": model.pack()}
        IntentModel.objects.update_or_create(tenant_id=tenant_id, defaults=values)
    return kept.put(state.fingerprint, model)


def _fit_both(state: State, own: Sequence[Example], known: dict[int, Floats]) -> Classifier:
    """The classifiers of built-in intents, with what the tenant taught them, and of the tenant's own."""
    taught = [example for example in own if example.intent in builtin.DESCRIPTIONS]
    added = [example for example in own if example.intent not in builtin.DESCRIPTIONS]
    return Classifier(_fit([*_enabled(state), *taught], known), _fit(added, known))


def _said_by_names(names: set[str]) -> Iterator[Example]:
    """The label or name and the description of intents, which say what they are as an example does.

    With ten examples an intent they are worth .006 accuracy on BANKING77.
    """
    for intent in Intent.objects.filter(name__in=names - builtin.DESCRIPTIONS.keys()).order_by("pk"):
        yield builtin.Example(intent.name, intent.label or re.sub(r"[-_]+", " ", intent.name))
        if intent.description:
            yield builtin.Example(intent.name, intent.description)


def _built_in(state: State) -> Classifier:
    """The classifier of the built-in intents that are on, which tenants without examples share."""
    name = f"built-in {sorted(state.disabled & builtin.DESCRIPTIONS.keys())}"
    with _fitting:
        if (model := kept.get(name)) is not None:
            return model
        return kept.put(name, Classifier(_fit(_enabled(state), {}), None))


def _enabled(state: State) -> list[Example]:
    return [example for example in builtin.examples() if example.intent not in state.disabled]


def _fit(examples: Sequence[Example], known: dict[int, Floats]) -> KernelRidge | None:
    if not examples:
        return None
    texts = [example.text for example in examples]
    vectors, keys = builtin.embed(get_embedder(), texts, known)
    return kernel.fit(vectors, texts, [example.intent for example in examples], keys)


def _vectors(model: Classifier) -> dict[int, Floats]:
    """The vectors of a classifier's examples by key."""
    parts = [part for part in (model.base, model.own) if part]
    return {key: vector for part in parts for key, vector in zip(part.keys.tolist(), part.vectors, strict=True)}


def _stored(tenant_id: int) -> tuple[str, Classifier] | None:
    """The stored classifier and its fingerprint; None when there is none or it cannot be read."""
    with tenant_scope(tenant_id):
        fingerprint = IntentModel.objects.values_list("fingerprint", flat=True).first()
        if fingerprint is None:
            return None
        if (model := kept.get(fingerprint)) is not None:
            return fingerprint, model
        data = bytes(IntentModel.objects.values_list("data", flat=True).get())
    try:
        return fingerprint, kept.put(fingerprint, Classifier.unpack(data))
    except (ValueError, KeyError, EOFError, OSError):
        log.warning("The stored classifier of tenant %s cannot be read: it is fitted again", tenant_id)
        return None
