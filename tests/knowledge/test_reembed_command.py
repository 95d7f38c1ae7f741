"""manage.py reembed: what an operator sees, and what programs read."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from knowledge.embedding import provider
from knowledge.management.commands import reembed
from knowledge.models import EmbeddingModel
from knowledge.retrieval.search import search
from tenants.scope import tenant_scope
from tenants.secrets import seal
from tests.knowledge.embedding_server import KEY, Script, embedding_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(provider, "PAUSE", 0.001)
    monkeypatch.setattr(reembed, "PAUSES", (0.0,))
    with embedding_server(Script()) as script:
        yield script


@pytest.fixture
def shop(tenant, add, server):
    add("battery", "The battery lasts 40 km.")
    with tenant_scope(tenant.pk):
        EmbeddingModel.objects.create(name="other", base_url=server.url, model="m", sealed_key=seal(KEY), private=True)
    return tenant


def called(*arguments: str) -> list[dict]:
    out = io.StringIO()
    call_command("reembed", "acme", *arguments, "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_without_waiting_a_worker_does_it(shop, server):
    [said] = called("other")

    assert said["state"] == "building"
    assert server.batches == []


def test_waiting_and_switching(shop):
    *_, built, switched = called("other", "--wait", "--switch")

    assert built == {"model": "other", "state": "ready", "progress": 100, "dimensions": 48}
    assert switched == {"model": "other", "serves": True}
    assert len(search(shop.pk, "battery").encoding.vector) == 48
    assert called("fake", "--switch")[-1]["serves"] is True


def test_what_is_wrong_is_said(shop, server):
    with pytest.raises(CommandError, match=r"no embedding model gone. There is: other, fake"):
        called("gone")
    server.change = lambda items: items[:1]
    with pytest.raises(CommandError, match="so none was kept"):
        called("other", "--wait")
    server.fails(503)
    with pytest.raises(CommandError, match="503"):
        called("other", "--wait")
