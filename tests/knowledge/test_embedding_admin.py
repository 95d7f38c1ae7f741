"""Embedding models in the admin: who may come, what is kept and refused, and what each button does."""

import pytest
from django.contrib.auth.models import User

from knowledge import reembedding
from knowledge.embedding import provider
from knowledge.embedding.base import EmbedderError
from knowledge.embedding.serving import serving_name
from knowledge.models import ChunkVectors, EmbeddingModel, EvaluationRun, EvaluationSet
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tenants.secrets import seal, unseal
from tests.conftest import person
from tests.knowledge.conftest import scope_is_open
from tests.knowledge.embedding_server import KEY, Script, embedding_server

pytestmark = pytest.mark.django_db
MODELS = "/admin/knowledge/embeddingmodel/"
ADD = f"{MODELS}add/"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(provider, "PAUSE", 0.001)
    with embedding_server(Script()) as script:
        yield script


@pytest.fixture
def owner(client, alice):
    client.force_login(alice)
    return alice


@pytest.fixture
def model(tenant, embedder, server):
    with tenant_scope(tenant.pk):
        return EmbeddingModel.objects.create(
            name="other", base_url=server.url, model="m", sealed_key=seal(KEY), private=True
        )


def fresh(model) -> EmbeddingModel:
    with tenant_scope(model.tenant_id):
        return EmbeddingModel.objects.get(pk=model.pk)


def press(client, model, step: str, **values: str) -> str:
    return client.post(f"{MODELS}{model.pk}/{step}/", values, follow=True).content.decode()


@pytest.mark.parametrize("role", [Role.CURATOR, Role.REVIEWER, Role.AGENT, None])
def test_only_owners_come_in(client, tenant, model, role):
    client.force_login(person(tenant, "someone", *([role] if role else [])))

    pages = [MODELS, ADD, *(f"{MODELS}{model.pk}/{page}/" for page in ("change", "progress", "tidy"))]
    assert {client.get(page).status_code for page in pages} <= {302, 403}
    steps = [f"{MODELS}{model.pk}/{step}/" for step in ("try", "build", "switch", "tidy", "compare", "cancel")]
    assert {client.post(step).status_code for step in steps} <= {302, 403}
    assert fresh(model).state == "new"


def test_another_tenants_model_is_not_there(client, model, other_tenant):
    client.force_login(person(other_tenant, "olga", Role.OWNER))

    assert client.get(f"{MODELS}{model.pk}/progress/").status_code == 404
    assert client.post(f"{MODELS}{model.pk}/build/").status_code == 404


def test_a_model_is_added_and_its_key_is_never_shown(client, tenant, embedder, owner):
    values = {"name": "large", "model": "text-embedding-3-large", "base_url": "https://api.example.com/v1/embeddings"}
    page = client.post(ADD, {**values, "key": KEY}, follow=True).content.decode()

    assert "large was added" in page
    assert KEY not in page
    with tenant_scope(tenant.pk):
        row = EmbeddingModel.objects.get(name="large")
        assert (row.base_url, row.private) == ("https://api.example.com/v1", False)
        assert unseal(row.sealed_key) == KEY
        assert KEY not in str(AuditEvent.objects.get(action="embedding.added").detail)
    page = client.get(f"{MODELS}{row.pk}/change/").content.decode()
    assert "A key is kept" in page
    assert KEY not in page


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "fake"}, "Another model has this name"),
        ({"name": "other"}, "Another model has this name"),
        ({"model": ""}, "required"),
        ({"base_url": "ftp://x"}, "must begin with https"),
        ({"base_url": "http://10.0.0.1/v1"}, "inside the network"),
        ({"key": "two words"}, "A key is one word"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(client, tenant, model, owner, settings, values, said):
    settings.ASKWELL_PRIVATE_MODELS = False
    page = client.post(ADD, {"name": "n", "model": "m", "base_url": "", "key": "", **values}).content.decode()

    assert said in page
    with tenant_scope(tenant.pk):
        assert EmbeddingModel.objects.count() == 1


def test_an_operator_may_name_a_server_inside(client, tenant, embedder, settings):
    settings.ASKWELL_PRIVATE_MODELS = False
    client.force_login(User.objects.create_superuser("oscar", "oscar@example.com", "a long enough password"))
    client.post(ADD, {"name": "n", "model": "m", "base_url": "http://10.0.0.1/v1", "key": ""})

    with tenant_scope(tenant.pk):
        assert EmbeddingModel.objects.get().private


def test_trying_tells_how_long_vectors_are_or_what_is_wrong(client, model, owner, server):
    assert "a vector of 48 numbers after" in press(client, model, "try")
    assert fresh(model).dimensions == 48

    server.dimensions = 32
    assert "32 numbers; those of this model had 48" in press(client, model, "try")
    server.says(b"<html>hello</html>", "text/html")
    assert "no answer of an embedding server" in press(client, model, "try")


def test_nobodys_rows_are_held_while_a_server_is_asked(client, model, owner, monkeypatch):
    scopes = []

    def asked(_):
        scopes.append(scope_is_open())
        raise EmbedderError("It is away.")

    monkeypatch.setattr("knowledge.admin.embedding.fresh_embedder", asked)
    assert "It is away." in press(client, model, "try")
    assert scopes == [False]


def test_from_adding_to_switching_and_back_and_tidying_up(client, tenant, add, model, owner):
    add("battery", "The battery lasts 40 km.")
    assert "Embed all passages" in client.get(f"{MODELS}{model.pk}/change/").content.decode()

    assert "embedded in the background" in press(client, model, "build")
    page = client.get(f"{MODELS}{model.pk}/progress/").content.decode()
    assert "progress" in page
    assert "hx-get" in page
    reembedding.embed_missing(tenant.pk, model.pk)
    assert client.get(f"{MODELS}{model.pk}/progress/")["HX-Refresh"] == "true"

    assert "Searches use other from now on" in press(client, model, "switch")
    page = client.get(MODELS).content.decode()
    assert "Searches use <strong>other</strong>" in page
    assert "this installation" in page
    assert "Tidy up" not in client.get(f"{MODELS}{model.pk}/change/").content.decode()
    assert "other serves" in press(client, model, "tidy")
    assert "other serves" in client.post(f"{MODELS}{model.pk}/delete/", {"post": "yes"}, follow=True).content.decode()

    with tenant_scope(tenant.pk):
        own = EmbeddingModel.objects.get(name="fake")
    assert "Switch back to this model" in client.get(f"{MODELS}{own.pk}/change/").content.decode()
    press(client, own, "switch")
    assert "Yes, delete" in client.get(f"{MODELS}{model.pk}/tidy/").content.decode()
    assert "The vectors of 1 passage were deleted" in press(client, model, "tidy")
    with tenant_scope(tenant.pk):
        assert not ChunkVectors.objects.filter(model="other").exists()
    client.post(f"{MODELS}{model.pk}/delete/", {"post": "yes"})
    with tenant_scope(tenant.pk):
        assert not EmbeddingModel.objects.filter(name="other").exists()
        assert serving_name(tenant.pk) == "fake"


def test_a_model_without_all_vectors_is_not_switched_to(client, tenant, add, model, owner):
    add("battery", "The battery lasts 40 km.")

    assert "Not every passage has vectors of other yet" in press(client, model, "switch")
    with tenant_scope(tenant.pk):
        assert serving_name(tenant.pk) == "fake"


def test_while_the_model_that_serves_lacks_vectors_the_pages_say_so(client, tenant, add, model, owner):
    add("battery", "The battery lasts 40 km.")
    assert "found by their words" not in client.get("/admin/").content.decode()
    with tenant_scope(tenant.pk):
        EmbeddingModel.objects.create(name="fake", state="building")

    assert "found by their words" in client.get("/admin/").content.decode()
    assert "found by their words" in client.get(MODELS).content.decode()


def test_stopping_and_going_on(client, tenant, add, model, owner):
    add("battery", "The battery lasts 40 km.")
    press(client, model, "build")

    assert "Stopped" in press(client, model, "cancel")
    assert fresh(model).state == "new"


def test_a_failure_says_why_and_has_a_retry(client, tenant, add, model, owner, server):
    add("battery", "The battery lasts 40 km.")
    server.change = lambda items: items[:1]
    press(client, model, "build")
    reembedding.embed_missing(tenant.pk, model.pk)

    page = client.get(f"{MODELS}{model.pk}/change/").content.decode()
    assert "so none was kept" in page
    assert "Retry" in page


def test_what_made_vectors_stays_what_it_is(client, tenant, add, model, owner):
    add("battery", "The battery lasts 40 km.")
    press(client, model, "build")
    reembedding.embed_missing(tenant.pk, model.pk)
    values = {"name": "other", "model": "another", "base_url": "https://api.example.com/v1", "key": ""}

    page = client.post(f"{MODELS}{model.pk}/change/", values).content.decode()
    assert "Passages have vectors of this model already" in page
    client.post(f"{MODELS}{model.pk}/change/", {**values, "model": "m"})
    assert fresh(model).base_url == "https://api.example.com/v1"


def test_comparing_asks_a_set_of_both(client, tenant, add, model, owner):
    add("battery", "The battery lasts 40 km.")
    with tenant_scope(tenant.pk):
        chosen = EvaluationSet.objects.create(name="Ours")
    assert "Embed all passages first" in press(client, model, "compare", set=str(chosen.pk))
    press(client, model, "build")
    reembedding.embed_missing(tenant.pk, model.pk)

    assert "Choose an evaluation set" in press(client, model, "compare", set="x")
    assert "Both models are being asked" in press(client, model, "compare", set=str(chosen.pk))
    with tenant_scope(tenant.pk):
        assert list(EvaluationRun.objects.order_by("pk").values_list("candidate", flat=True)) == [
            {},
            {"embedding": "other"},
        ]
