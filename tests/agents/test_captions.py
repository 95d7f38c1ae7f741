"""Pictures of documents, described by a scripted model that speaks the protocol over real sockets."""

import io
from decimal import Decimal

import docx
import pytest
from docx.shared import Inches
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.captions import describe_pictures
from agents.llm.scripted_server import Script
from agents.models import Budget, Feature, LanguageModel, ModelCall
from knowledge import ingestion
from knowledge.captions import DESCRIBE
from knowledge.models import Chunk, ChunkKind, DocumentVersion
from knowledge.queries import knowledge_version
from knowledge.retrieval.search import search
from knowledge.services import add_document
from knowledge.sources import NewDocument
from tenants.scope import tenant_scope
from tests.agents.llm.servers import scripted
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.knowledge.test_readers_pictures import png

pytestmark = pytest.mark.django_db(transaction=True)
SAID = "A crimson beacon beside the socket."


@pytest.fixture
def version(tenant, settings, tmp_path, monkeypatch) -> int:
    """A document with two pictures, one of them without words."""
    settings.MEDIA_ROOT = tmp_path
    fake = FakeEmbedder()
    monkeypatch.setattr("knowledge.embedding.base._load", lambda: fake)
    document = docx.Document()
    document.add_paragraph("Look at the back.")
    document.add_picture(io.BytesIO(png()), width=Inches(2))
    document.add_paragraph("It blinks.")
    document.add_picture(io.BytesIO(png(90, 90)), width=Inches(2))
    document.inline_shapes[1]._inline.docPr.set("descr", "The lid")
    document.add_paragraph("Close it.")
    file = io.BytesIO()
    document.save(file)
    with tenant_scope(tenant.pk):
        item = NewDocument(external_id="manual", filename="manual.docx", data=file.getvalue())
        added = add_document(item, actor="curator", enqueue=False)
    ingestion.ingest_versions(tenant.pk, [added.version.pk])
    return added.version.pk


def model(tenant, base_url: str, **values) -> None:
    fields = {"model": "sees", "base_url": base_url, "private": True, "describes_pictures": True, **values}
    with tenant_scope(tenant.pk):
        LanguageModel.objects.create(tenant=tenant, role="primary", **fields)


def pictures(tenant) -> list[Chunk]:
    with tenant_scope(tenant.pk):
        return list(Chunk.objects.filter(kind=ChunkKind.IMAGE).order_by("ordinal"))


def test_the_document_is_live_and_the_job_waits_before_anybody_looks_at_a_picture(tenant, version):
    with tenant_scope(tenant.pk):
        assert DocumentVersion.objects.get(pk=version).state == "live"
        assert ProcrastinateJob.objects.get(task_name=DESCRIBE).args == {"tenant_id": tenant.pk, "version_id": version}
    without, lid = pictures(tenant)
    assert (without.enabled, lid.enabled) == (False, True)
    assert lid.found_by == "It blinks.\nClose it."


def test_a_model_that_is_asked_to_describes_them(tenant, version):
    with scripted(Script.parse('{"otherwise": "%s"}' % SAID)) as server:  # noqa: UP031 (braces)
        model(tenant, server.base_url, input_price=Decimal(1), output_price=Decimal(1))
        before = [chunk.found_by for chunk in pictures(tenant)]
        with tenant_scope(tenant.pk):
            known = knowledge_version()
        assert describe_pictures(tenant.pk, version) == 2
        asked = [request["messages"][-1]["content"] for request in server.requests]

    assert [part["type"] for part in asked[0]] == ["text", "image_url"]
    assert asked[0][1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert "The lid" in asked[1][0]["text"]
    assert [chunk.found_by for chunk in pictures(tenant)] == [f"Picture: {SAID}\n{around}" for around in before]
    assert all(chunk.enabled for chunk in pictures(tenant))
    with tenant_scope(tenant.pk):
        assert knowledge_version() > known
        calls = list(ModelCall.objects.all())
    assert {(call.feature, call.outcome) for call in calls} == {(Feature.DESCRIBE, "ok")}
    assert all(call.prompt_tokens and call.cost for call in calls)
    found = search(tenant.pk, "crimson beacon").passages[0]
    assert (found.kind, found.found_by.split("\n")[0]) == ("image", f"Picture: {SAID}")


def test_who_has_a_caption_is_not_asked_about_again(tenant, version):
    with scripted(Script.parse('{"otherwise": "%s"}' % SAID)) as server:  # noqa: UP031 (braces)
        model(tenant, server.base_url)
        describe_pictures(tenant.pk, version)
        assert describe_pictures(tenant.pk, version) == 0
        assert len(server.requests) == 2


@pytest.mark.parametrize("values", [{"describes_pictures": False}, {"active": False}])
def test_nobody_is_asked_without_the_switch(tenant, version, values):
    with scripted(Script.parse('{"otherwise": "%s"}' % SAID)) as server:  # noqa: UP031 (braces)
        model(tenant, server.base_url, **values)
        assert describe_pictures(tenant.pk, version) == 0
        assert server.requests == []


@pytest.mark.parametrize("script", ['{"otherwise": "x", "profile": "error"}', '{"otherwise": "NONE."}'])
def test_a_failure_or_a_mere_decoration_leaves_what_was_there(tenant, version, script):
    before = [(chunk.found_by, chunk.enabled) for chunk in pictures(tenant)]
    with scripted(Script.parse(script)) as server:
        model(tenant, server.base_url)
        assert describe_pictures(tenant.pk, version) == 0
    assert [(chunk.found_by, chunk.enabled) for chunk in pictures(tenant)] == before


def test_a_spent_budget_is_kept_to(tenant, version):
    with scripted(Script.parse('{"otherwise": "%s"}' % SAID)) as server:  # noqa: UP031 (braces)
        model(tenant, server.base_url, input_price=Decimal(1), output_price=Decimal(1))
        with tenant_scope(tenant.pk):
            Budget.objects.create(tenant=tenant, period="day", amount=Decimal(0))
        assert describe_pictures(tenant.pk, version) == 0
        assert server.requests == []


def test_a_document_that_is_gone_meanwhile_is_no_error(tenant, version):
    with scripted(Script.parse('{"otherwise": "%s"}' % SAID)) as server:  # noqa: UP031 (braces)
        model(tenant, server.base_url)
        assert describe_pictures(tenant.pk, version + 1) == 0
