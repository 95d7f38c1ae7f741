"""An answer that is given again, through whole turns over sockets: the model is not asked, and nobody is told less."""

import pytest

from agents.cache import mirror
from agents.llm import ledger
from agents.llm.openai_compatible import close_clients
from agents.llm.scripted_server import Reply, ScriptedServer
from agents.models import CachedAnswer, CacheHit, LanguageModel, ModelCall
from agents.runner import run
from chat.models import Message
from knowledge.ingestion import ingest_versions
from knowledge.retrieval.search import search
from knowledge.services import add_document, archive
from knowledge.sources import NewDocument
from tenants.scope import in_tenant, in_thread, tenant_scope
from tenants.secrets import seal

pytestmark = pytest.mark.django_db(transaction=True)
ASKED, ALIKE = "How long does standard delivery take?", "how many days does standard shipping take"
ANSWER = "Standard delivery takes three working days [1]."


def publish(tenant, text):
    """The one document of a tenant, live."""
    with tenant_scope(tenant.pk):
        item = NewDocument(external_id="delivery", title="Delivery", text=text)
        added = add_document(item, actor="curator", enqueue=False)
    ingest_versions(tenant.pk, [added.version.pk])
    search(tenant.pk, ASKED)  # loads what the first turn of a process would wait for
    return added.document


@pytest.fixture
async def model(tenant):
    async with ScriptedServer() as server:
        server.choose = lambda _: Reply(say=ANSWER)
        row = {"model": "m", "base_url": server.base_url, "sealed_key": seal("k"), "private": True}
        await in_tenant(tenant.pk, lambda: LanguageModel.objects.create(**row))
        yield server
        await ledger.flush()
        await close_clients()


@pytest.fixture
async def shop(tenant, model, processes, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    mirror.forget_all()
    document = await in_thread(publish, tenant, "Standard delivery takes three working days within the country.")
    return await processes(run), document


async def answered(new_customer, process, question):
    """The last frame of a new visitor's first turn."""
    customer = await new_customer(process.hub)
    done = (await customer.say(question))[-1]
    assert done["type"] == "message.done", done
    return done


async def test_a_paraphrase_gets_the_same_answer_without_the_model(shop, model, tenant, new_customer):
    process, _ = shop
    first = await answered(new_customer, process, ASKED)
    assert (first["cached"], len(first["citations"]), first["text"]) == (False, 1, ANSWER)
    mirror.forget_all()
    await ledger.flush()
    asked = await in_tenant(tenant.pk, ModelCall.objects.count)
    assert asked
    again = await answered(new_customer, process, ALIKE)
    assert again["cached"]
    for name in ("text", "citations", "finish", "model"):
        assert again[name] == first[name], name
    assert again["html"].replace(again["message"], first["message"]) == first["html"]
    await ledger.flush()
    assert await in_tenant(tenant.pk, ModelCall.objects.count) == asked
    hit = await in_tenant(tenant.pk, lambda: CacheHit.objects.select_related("cached").get())
    assert (str(hit.reply), hit.cached.question) == (again["message"], ASKED)
    kept = await in_tenant(tenant.pk, lambda: Message.objects.get(pk=again["message"]))
    assert (kept.cached, kept.trace["cache"]["from"]) == (True, first["message"])


async def test_an_answer_dies_with_its_document(shop, model, tenant, new_customer):
    process, document = shop
    await answered(new_customer, process, ASKED)
    assert await in_tenant(tenant.pk, CachedAnswer.objects.count) == 1
    await in_tenant(tenant.pk, lambda: archive([document], actor="curator"))
    later = await answered(new_customer, process, ASKED)
    assert not later["cached"]
    assert later["citations"] == []
