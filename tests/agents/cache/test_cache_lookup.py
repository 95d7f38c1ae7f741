"""Answers given again, on PostgreSQL: to whom, for how long, and never to whom."""

import uuid
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from agents.cache import mirror, store
from agents.cache.curation import drop_answers, erase_answers, judge_hit
from agents.events import Citation
from agents.llm.registry import Model, TenantModels
from agents.models import AnswerPolicy, CachedAnswer, CacheHit
from agents.preparation import Prepared
from knowledge.models import Document, KnowledgeState
from tenants.models import AuditEvent
from tenants.scope import in_tenant, in_thread
from tests.agents.cache.conftest import ANSWER

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = "How long does standard delivery take?"
ALIKE = "how many days does standard shipping take"


async def test_the_same_words_get_the_same_answer(shop):
    turn = await shop.keep(ASKED)
    given = await shop.recall("how long does STANDARD delivery take")
    answer = store.given_answer(turn, given, {"question": "x"})
    assert (answer.text, answer.cached, answer.cost, answer.model) == (ANSWER, True, 0, "gpt")
    assert answer.citations == shop.answer().citations
    assert answer.trace["cache"] == {
        "hit": "exact", "similarity": 1.0, "from": turn.reply, "question": ASKED, "cached": given.cached,
    }  # fmt: skip


async def test_the_same_question_in_other_words_gets_it_too(shop):
    await shop.keep(ASKED)
    mirror.forget_all()
    given = await shop.recall(ALIKE)
    assert given.question == ASKED
    assert 0.5 < given.similarity < 1
    assert given.as_record()["hit"] == "semantic"


async def test_a_near_miss_gets_none(shop):
    await shop.keep(ASKED)
    for question in ("How long does express delivery take?", "How much does standard delivery cost?"):
        assert await shop.recall(question) is None


async def test_another_intent_keeps_apart_when_both_are_sure(shop, intents):
    intents |= {ASKED: "delivery", ALIKE: "order_status"}
    await shop.keep(ASKED)
    assert await shop.recall(ALIKE) is None
    intents[ALIKE] = ""
    assert await shop.recall(ALIKE)


async def test_a_hit_is_noted_once_a_reply(shop):
    await shop.keep(ASKED)
    given, turn = await shop.recall(ASKED), shop.turn(ASKED)
    await store.note_hit(turn, given)
    await store.note_hit(turn, given)
    hit = await in_tenant(shop.tenant.pk, CacheHit.objects.get)
    assert (str(hit.reply), hit.similarity, hit.saved, hit.right) == (turn.reply, 1, Decimal("0.0021"), None)


async def test_no_answer_crosses_tenants(shop, other_shop):
    await shop.keep(ASKED)
    assert await other_shop.recall(ASKED) is None
    assert await shop.recall(ASKED)


@pytest.mark.parametrize(
    "changed",
    [
        {"models": TenantModels(Model("primary", "another", "http://localhost:9/v1", "key"), None, ())},
        {"prompts": SimpleNamespace(version="next")},
        {"answers": AnswerPolicy(tone="Formal.")},
        {"answers": AnswerPolicy(cache=False)},
        {"models": TenantModels(None, None, ())},
    ],
)
async def test_what_the_tenant_sets_otherwise_makes_another_answer(shop, changed):
    await shop.keep(ASKED)
    assert await shop.recall(ASKED, prepared=replace(shop.prepared, **changed)) is None
    assert await shop.recall(ASKED)


async def test_another_language_of_the_conversation_is_another_answer(shop):
    await shop.keep(ASKED)
    assert await shop.recall(ASKED, language="de") is None


async def test_it_dies_with_the_version_of_the_documents(shop):
    await shop.keep(ASKED)
    assert await shop.recall(ASKED)
    await in_tenant(shop.tenant.pk, lambda: KnowledgeState.objects.update(version=99))
    assert await shop.recall(ASKED) is None


async def test_it_is_not_given_when_a_source_is_not_visible(shop):
    await shop.keep(ASKED)
    await in_tenant(
        shop.tenant.pk, lambda: Document.objects.filter(pk=shop.document).update(state=Document.State.ARCHIVED)
    )
    assert await shop.recall(ASKED) is None


async def test_a_dropped_answer_is_never_given_again_in_any_process(shop):
    await shop.keep(ASKED)
    given = await shop.recall(ASKED)  # this process has it in memory, and another one drops it
    assert await in_tenant(shop.tenant.pk, lambda: drop_answers(ids=[given.cached], actor="curator")) == 1
    assert await shop.recall(ASKED) is None
    assert await shop.recall(ALIKE) is None
    mirror.forget_all()
    assert await shop.recall(ASKED) is None
    event = await in_tenant(shop.tenant.pk, lambda: AuditEvent.objects.get(action="cache.dropped"))
    assert event.actor == "curator"


async def test_a_rejected_hit_drops_its_answer_and_raises_the_threshold(shop, alice):
    await shop.keep(ASKED)
    given, turn = await shop.recall(ALIKE), shop.turn(ALIKE)
    await store.note_hit(turn, given)

    def reject():
        judge_hit(hit=CacheHit.objects.get(), right=False, reviewer=alice)
        return CacheHit.objects.get()

    hit = await in_tenant(shop.tenant.pk, reject)
    assert (hit.right, hit.judged_by_id) == (False, alice.pk)
    assert await shop.recall(ALIKE) is None


async def test_the_oldest_go_first(shop, monkeypatch):
    monkeypatch.setattr(store, "KEPT", 2)
    for question in (ASKED, "How do I reset my password?", "Do you ship to Canada?"):
        await shop.keep(question)
    kept = await in_tenant(shop.tenant.pk, lambda: set(CachedAnswer.objects.values_list("question", flat=True)))
    assert kept == {"How do I reset my password?", "Do you ship to Canada?"}


async def test_erasing_takes_what_was_kept_of_a_customer(shop):
    turn = await shop.keep(ASKED)
    asked = shop.turn(ASKED)
    await store.note_hit(asked, await shop.recall(ASKED))
    replies = [uuid.UUID(turn.reply), uuid.UUID(asked.reply)]
    assert await in_tenant(shop.tenant.pk, lambda: erase_answers(replies=replies)) == (1, 1)
    assert await shop.recall(ASKED) is None


@pytest.mark.parametrize(
    "values",
    [
        {"known": False},
        {"degraded": True},
        {"cached": True},
        {"finish": "truncated"},
        {"finish": "length"},
        {"citations": ()},
        {"confidence": 0.2},
        {"trace": {"provider": "extractive"}},
        {"trace": {}},
        {"trace": {"provider": "primary", "tools": [{"tool": "get_order_details"}]}},
        {"trace": {"provider": "primary", "withdrawn": {"why": "confidence"}}},
        {"trace": {"provider": "primary", "input": {"careful": True}}},
        {"trace": {"provider": "primary", "rewritten": "How long does delivery of the X2 take?"}},
    ],
)
async def test_never_kept_when_the_answer_is_not_plainly_from_the_documents(shop, values):
    await shop.keep(ASKED, **values)
    assert await shop.recall(ASKED) is None


async def test_a_search_of_the_documents_as_a_tool_is_harmless(shop):
    await shop.keep(ASKED, trace={"provider": "primary", "tools": [{"tool": "search_knowledge"}]})
    assert await shop.recall(ASKED)


@pytest.mark.parametrize(
    "question",
    [
        "My name is Ann Archer, how long does delivery take?",
        "How long does delivery take for ann@example.com?",
        "How long does delivery of order ORD-10021 take?",
        "How long does delivery take to 12 Baker Street?",
        "Wie lange dauert die Lieferung in die Hauptstraße 5?",
        "How long does delivery take? Call me at 030 1234567",
        "How long does delivery take? eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx",
        "Is delivery of 4111 1111 1111 1111 free?",
        "Are you open today?",
        "",
    ],
)
async def test_never_kept_or_given_when_a_customer_or_the_conversation_is_in_the_question(shop, question):
    await shop.keep(question)
    assert not await in_tenant(shop.tenant.pk, CachedAnswer.objects.exists)
    assert await shop.recall(question) is None


async def test_what_leans_on_the_conversation_is_anybodys_only_where_nothing_was_said_before(shop):
    leaning = "My lamp is broken, how do I return it?"
    await shop.keep(leaning, "Do you ship to Canada?", "Yes [1].")
    assert not await in_tenant(shop.tenant.pk, CachedAnswer.objects.exists)
    await shop.keep(leaning)
    assert await shop.recall(leaning)
    assert await shop.recall(leaning, "Hello!", "Hello, how can I help?")
    assert await shop.recall(leaning, "Do you ship to Canada?", "Yes [1].") is None


async def test_never_kept_from_a_conversation_that_the_model_was_shown(shop):
    await shop.keep(ASKED, "Do you ship to Canada?", "Yes [1].")
    assert not await in_tenant(shop.tenant.pk, CachedAnswer.objects.exists)
    await shop.keep(ASKED, "Hello!", "Hello, how can I help?")
    assert await in_tenant(shop.tenant.pk, CachedAnswer.objects.exists)


async def test_never_given_after_the_customer_told_of_themselves(shop):
    await shop.keep(ASKED)
    assert await shop.recall(ASKED, "I live on an island and pay for the Gold plan.", "Good to know.") is None
    assert await shop.recall(ASKED, "Do you ship to Canada?", "Yes [1].")


async def test_never_given_while_a_change_waits_or_a_tool_was_used(shop):
    await shop.keep(ASKED)
    for open_matter in ({"actions": (object(),)}, {"calls": {"reply": [object()]}}):
        assert await shop.recall(ASKED, prepared=replace(shop.prepared, **open_matter)) is None
    assert await shop.recall(ASKED, quiet=True) is None


async def test_a_shop_is_never_answered_about_the_customers_own_things(shop, monkeypatch):
    monkeypatch.setattr(Prepared, "acts", property(bool))
    for question in ("How long does my order take?", "Wann kommt mein Paket an?", "¿Cuándo llega mi pedido?"):
        await shop.keep(question)
        assert await shop.recall(question) is None
    await shop.keep(ASKED)
    assert await shop.recall(ASKED)


async def test_what_cites_other_documents_names_them(shop):
    other = await in_thread(shop.add, "terms", "Express takes a day.")
    source = Citation(2, "terms", other, 9, "Terms", "", None, "", (0, 5), "Expr")
    await shop.keep(ASKED, citations=(*shop.answer().citations, source))
    row = await in_tenant(shop.tenant.pk, CachedAnswer.objects.get)
    assert row.documents == sorted([shop.document, other])
