"""A tenant with a live document, turns of its customers, and answers of a model from that document."""

import uuid
from dataclasses import replace

import pytest

from agents.cache import lookup, mirror, store
from agents.context import PastMessage, Turn
from agents.events import Answer, Citation
from agents.llm.registry import Model, TenantModels
from agents.models import AnswerPolicy
from agents.preparation import Prepared
from knowledge.ingestion import ingest_versions
from knowledge.services import add_document
from knowledge.sources import NewDocument
from tenants.scope import tenant_scope

ANSWER = "Parcels take three days [1]."


@pytest.fixture(autouse=True)
def no_mirrors():
    mirror.forget_all()
    yield
    mirror.forget_all()


class Shop:
    """One tenant as its customers meet it."""

    def __init__(self, tenant):
        self.tenant = tenant
        models = TenantModels(Model("primary", "gpt", "http://localhost:9/v1", "key"), None, ())
        self.prepared = Prepared(models=models, answers=AnswerPolicy())
        self.document = self.add("faq", "Parcels take three days.")

    def add(self, external_id, text):
        with tenant_scope(self.tenant.pk):
            added = add_document(
                NewDocument(external_id=external_id, title="FAQ", text=text), actor="curator", enqueue=False
            )
        ingest_versions(self.tenant.pk, [added.version.pk])
        return added.document.pk

    def turn(self, question, *past, language="en", **values):
        history = tuple(PastMessage("assistant" if n % 2 else "customer", text) for n, text in enumerate(past))
        return Turn(
            self.tenant.pk, "Acme", language, str(uuid.uuid4()), question, history, reply=str(uuid.uuid4()),
            eventful=False, **values,
        )  # fmt: skip

    def answer(self, **values):
        source = Citation(1, "faq", self.document, 7, "FAQ", "https://acme.test/faq", None, "Shipping", (0, 24), "Parc")
        given = Answer(
            ANSWER, (source,), 0.9, model="gpt", intents=("delivery",), trace={"provider": "primary"}, cost="0.0021"
        )
        return replace(given, **values)

    async def keep(self, question, *past, language="en", prepared=None, **values):
        turn = self.turn(question, *past, language=language)
        await store.keep(turn, prepared or self.prepared, self.answer(**values))
        return turn

    async def recall(self, question, *past, language="en", prepared=None, **values):
        return await lookup.recall(self.turn(question, *past, language=language, **values), prepared or self.prepared)


@pytest.fixture(autouse=True)
def intents(monkeypatch):
    """What questions want, by their words; fitting the classifier takes seconds."""
    found = {}

    def intent_of(tenant_id, question, language):
        assert tenant_id
        assert language
        return found.get(question, "")

    monkeypatch.setattr(lookup, "intent_of", intent_of)
    monkeypatch.setattr(store, "intent_of", intent_of)
    return found


@pytest.fixture
def shop(tenant, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    return Shop(tenant)


@pytest.fixture
def other_shop(other_tenant, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    return Shop(other_tenant)
