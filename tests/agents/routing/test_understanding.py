"""The whole way of a message through examples, catalogue and shop in the database, with the real embedder."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.models import ExampleSource, Intent, IntentExample, IntentModel
from agents.routing import builtin, fitting, intents, teaching
from agents.routing.intents import understand
from agents.tasks import FIT, fit_intents
from commerce.models import Product, Shop
from knowledge.embedding.base import get_embedder
from tenants.models import AuditEvent
from tenants.scope import tenant_scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_fresh_process")]
WARRANTY = [
    "extend my warranty",
    "I want a longer guarantee",
    "buy two more years of warranty",
    "warranty extension please",
]


def names(tenant, text, **options):
    return [intent.name for intent in understand(tenant.pk, text, language="en", **options).intents]


@pytest.fixture
def warranty(tenant):
    with tenant_scope(tenant.pk):
        intent = teaching.save_intent(intent=Intent(name="warranty_extension"), actor="cora")
        teaching.add_examples(intent=intent, texts=WARRANTY, actor="cora")
    return intent


def test_the_vectors_of_all_built_in_examples_are_kept_beside_them():
    missing = {
        builtin.key_of("all-MiniLM-L6-v2", e.text) for e in builtin.examples()
    } - builtin.built_in_vectors().keys()
    assert not missing, "run: python -m agents.routing.builtin"


def test_the_kept_vectors_are_those_of_the_embedder():
    texts = [example.text for example in builtin.examples()[::400]]
    kept = [builtin.built_in_vectors()[builtin.key_of(get_embedder().name, text)] for text in texts]
    for vector, stored in zip(get_embedder().encode_texts(texts), kept, strict=True):
        assert float(vector @ stored) > 0.999


def test_each_built_in_intent_has_enough_examples_in_each_language():
    for name in builtin.DESCRIPTIONS:
        counts = {
            language: len((builtin.FOLDER / f"{name}.{language}.txt").read_text("utf-8").splitlines())
            for language in ("en", "es", "de", "fr")
        }
        assert counts["en"] >= 120
        assert min(counts.values()) >= 30


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Where is my order ORD-1002?", ["order_status"]),
        ("I want my money back", ["refund"]),
        ("My phone arrived broken", ["complaint"]),
        ("hello", ["general"]),
        ("???", []),
        ("", []),
    ],
)
def test_one_intent(tenant, text, wanted):
    assert names(tenant, text) == wanted


def test_two_intents_with_their_spans(tenant):
    text = "Hi! Where is ORD-1002 and can I return the shoes?"
    found = understand(tenant.pk, text, language="en")
    assert {intent.name for intent in found.intents} == {"order_status", "refund"}
    spans = {intent.name: text[intent.start : intent.end] for intent in found.intents}
    assert spans["order_status"] == "Where is ORD-1002"
    assert [clause.text for clause in found.clauses] == ["Where is ORD-1002", "can I return the shoes?"]
    assert found.entities.values() == {"orders": ["ORD-1002"]}
    assert found.out_of_scope < 0.1


def test_nonsense_is_rather_out_of_scope(tenant):
    assert understand(tenant.pk, "xqzv blorp fnord", language="en").out_of_scope > 0.3


def test_entities_come_from_the_tenants_own_shop(tenant, other_tenant):
    with tenant_scope(tenant.pk):
        Shop.objects.create(currency="EUR", order_patterns=[r"SO\d{6}", 7])
        Product.objects.create(code="Z1", name="Zephyr Lamp", aliases=["Zeph", 3])
        Product.objects.create(code="Z2", name="Retired Rug", active=False)
    text = "so123456: zephyr lmap for 49.99, and the retired rug"
    found = understand(tenant.pk, text, language="en").entities
    assert found.values() == {"orders": ["SO123456"], "products": ["Z1"], "amounts": ["49.99"]}
    assert found.amounts[0].label == "EUR"
    assert understand(other_tenant.pk, text, language="en").entities.products == ()


def test_a_changed_catalogue_is_seen(tenant):
    with tenant_scope(tenant.pk):
        shop = Shop.objects.create(catalogue_version=1)
    assert understand(tenant.pk, "zephyr lamp", language="en").entities.products == ()
    with tenant_scope(tenant.pk):
        Product.objects.create(code="Z1", name="Zephyr Lamp")
        shop.catalogue_version = 2
        shop.save()
    intents.forget()
    assert understand(tenant.pk, "zephyr lamp", language="en").entities.values() == {"products": ["Z1"]}


def test_a_turn_asks_the_database_hardly_anything(tenant, warranty, django_assert_max_num_queries):
    names(tenant, "warm", wait=True)
    names(tenant, "again")
    with django_assert_max_num_queries(0):
        names(tenant, "Where is my order?")


def test_own_intents_stand_beside_the_built_in_ones(tenant, other_tenant, warranty):
    assert names(tenant, "can I extend the warranty of my laptop?") == ["warranty_extension"]
    assert names(tenant, "I want my money back") == ["refund"]
    assert names(other_tenant, "can I extend the warranty of my laptop?") == ["product_info"]


def test_an_intent_can_be_switched_off(tenant):
    with tenant_scope(tenant.pk):
        teaching.save_intent(intent=Intent(name="refund", enabled=False), actor="cora")
        assert "refund" not in teaching.available_intents()
    assert "refund" not in names(tenant, "I want my money back")


def test_all_can_be_switched_off_but_the_own(tenant, warranty):
    with tenant_scope(tenant.pk):
        for name in builtin.DESCRIPTIONS:
            teaching.save_intent(intent=Intent(name=name, enabled=False), actor="cora")
    assert names(tenant, "where is my order", wait=True) == ["warranty_extension"]


def test_without_any_example_nothing_is_found(tenant):
    with tenant_scope(tenant.pk):
        for name in builtin.DESCRIPTIONS:
            teaching.save_intent(intent=Intent(name=name, enabled=False), actor="cora")
    found = understand(tenant.pk, "where is my order", language="en")
    assert (found.intents, found.out_of_scope > 0.9) == ((), True)


def test_a_correction_holds_and_moves(tenant):
    text = "my zorbulator needs a new blip"
    with tenant_scope(tenant.pk):
        teaching.add_example(intent="delivery", text=text, actor="rita")
        example = teaching.add_example(intent="comparison", text=f" {text}\n", actor="rita")
        assert (example.source, IntentExample.objects.count()) == (ExampleSource.REVIEWER, 1)
        assert AuditEvent.objects.filter(action="intent.taught", actor="rita").count() == 2
    assert names(tenant, text) == ["comparison"]


@pytest.mark.parametrize(("intent", "text"), [("nonsense", "hello"), ("refund", " \n ")])
def test_a_correction_needs_an_intent_and_a_text(scope, intent, text):
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        teaching.add_example(intent=intent, text=text, actor="rita")
    assert not Intent.objects.exists()


def test_many_examples_are_added_once(scope):
    intent = teaching.save_intent(intent=Intent(name="repair"), actor="cora")
    assert teaching.add_examples(intent=intent, texts=["a b", " a  b ", "", "c", "x" * 900], actor="cora") == 3
    assert teaching.add_examples(intent=intent, texts=["c", "d"], actor="cora") == 1
    assert max(len(text) for text in IntentExample.objects.values_list("text", flat=True)) == 500


def test_a_worker_fits_what_is_large_and_the_last_classifier_serves_until_then(tenant, warranty, monkeypatch):
    assert names(tenant, "extend the warranty") == ["warranty_extension"]
    with tenant_scope(tenant.pk):
        before = IntentModel.objects.get().fingerprint
        intent = teaching.save_intent(intent=Intent(name="repair"), actor="cora")
        teaching.add_examples(intent=intent, texts=["repair it", "can you mend my phone"], actor="cora")
    intents.forget()
    assert names(tenant, "can you mend my phone") != ["repair"]
    assert ProcrastinateJob.objects.filter(task_name=FIT).count() == 1
    fit_intents(tenant.pk)
    assert names(tenant, "can you mend my phone") == ["repair"]
    with tenant_scope(tenant.pk):
        model = IntentModel.objects.get()
    assert model.fingerprint != before
    assert model.classes == ["repair", "warranty_extension"]


def test_a_stored_classifier_is_used_by_other_processes(tenant, warranty, monkeypatch):
    names(tenant, "warm")
    monkeypatch.setattr(fitting, "kept", fitting._Kept())
    monkeypatch.setattr(fitting, "_fit", lambda *_: pytest.fail("it is stored"))
    assert names(tenant, "extend the warranty of my laptop") == ["warranty_extension"]


def test_a_damaged_stored_classifier_is_fitted_again(tenant, warranty, monkeypatch):
    names(tenant, "warm")
    monkeypatch.setattr(fitting, "kept", fitting._Kept())
    with tenant_scope(tenant.pk):
        IntentModel.objects.update(data=b"nonsense")
    assert names(tenant, "extend the warranty of my laptop") == ["warranty_extension"]


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("classify", *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), f"{err.getvalue()}{error}"
    return out.getvalue(), err.getvalue()


def test_classify(tenant, tmp_path):
    path = tmp_path / "texts.jsonl"
    rows = [{"id": 1, "text": "Where is ord 1002?"}, {"id": "b", "text": ""}]
    path.write_text("\n".join(map(json.dumps, rows)))
    out, err = run("acme", "--texts", path, "--json", "--no-model")
    first, second = map(json.loads, out.splitlines())
    assert err == ""
    assert first["id"] == 1
    assert first["intents"] == ["order_status"]
    assert first["entities"] == {"orders": ["ORD-1002"]}
    assert 0.5 < first["confidence"] <= 1
    assert second == {"id": "b", "intents": [], "entities": {}, "confidence": 0.0}
    assert "1  order_status" in run("acme", "--texts", path)[0]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nonsense", "not JSON"),
        ("[1]", "one object"),
        ('{"text": "x"}', "id is missing"),
        ('{"id": 1}', "text is missing"),
        ('{"id": true, "text": "x"}', "id is missing"),
    ],
)
def test_classify_names_bad_lines_and_does_the_others(tenant, tmp_path, line, complaint):
    path = tmp_path / "texts.jsonl"
    path.write_text(f'\n{line}\n{{"id": 2, "text": "I want a refund"}}\n')
    out, err = run("acme", "--texts", path, "--json", "--no-model")
    assert [json.loads(line)["id"] for line in out.splitlines()] == [2]
    assert f"line 2: {complaint}" in err or (complaint in err and "line 2" in err)
    assert "1 of 2 lines" in err


def test_classify_without_a_file(tenant, tmp_path):
    assert "cannot be read" in run("acme", "--texts", tmp_path / "none.jsonl")[1]


def test_classify_gives_a_configured_model_the_last_word(tenant, tmp_path, monkeypatch):
    from agents.llm.registry import Model, TenantModels
    from agents.llm.scripted import Scripted, says

    path = tmp_path / "texts.jsonl"
    path.write_text('{"id": 1, "text": "Where is my order?"}\n{"id": 2, "text": "Where is my order?"}')
    provider = Scripted(says('{"intents": ["delivery"]}'), says("I think it is delivery."))
    model = Model(name="primary", model="scripted", base_url="", api_key="")
    monkeypatch.setattr("agents.llm.registry.environment_models", lambda: TenantModels(model))
    monkeypatch.setattr(Model, "provider", lambda _: provider)
    first, second = map(json.loads, run("acme", "--texts", path, "--json")[0].splitlines())
    assert (first["intents"], first["confidence"]) == (["delivery"], 0.5)
    assert second["intents"] == ["order_status"]
    run("acme", "--texts", path, "--no-model")
    assert len(provider.calls) == 3  # a wrong answer may be put right once


def test_what_a_model_costs_classify_is_counted(tenant, tmp_path, monkeypatch):
    from agents.llm.registry import Model, TenantModels
    from agents.llm.scripted import Scripted, says
    from agents.models import ModelCall

    path = tmp_path / "texts.jsonl"
    path.write_text('{"id": 1, "text": "Where is my order?"}')
    model = Model(name="primary", model="scripted", base_url="", api_key="")
    monkeypatch.setattr("agents.llm.registry.environment_models", lambda: TenantModels(model))
    monkeypatch.setattr(Model, "provider", lambda self: Scripted(says('{"intents": ["delivery"]}'), name=self.name))
    run("acme", "--texts", path)
    with tenant_scope(tenant.pk):
        assert list(ModelCall.objects.values_list("feature", "provider")) == [("classify", "primary")]
