"""The admin's pages about searching: who may come, what they keep, what they say about mistakes."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from knowledge import ingestion, wordings
from knowledge.models import CuratedAnswer, Document, DocumentVersion, ReleaseGate, SearchSettings, SynonymGroup
from knowledge.retrieval.search import search
from knowledge.synonym_lists import parse_groups
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.conftest import person
from tests.knowledge.conftest import scope_is_open

pytestmark = pytest.mark.django_db
PLACE = "/admin/knowledge/"
SETTINGS, SYNONYMS, CURATED = (f"{PLACE}{name}/" for name in ("searchsettings", "synonymgroup", "curatedanswer"))
IMPORT, SEARCH = f"{SYNONYMS}import/", f"{PLACE}search/"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def curator(tenant, client, files, embedder):
    user = person(tenant, "cora", Role.CURATOR)
    client.force_login(user)
    return user


@pytest.fixture
def owner(alice, client, files, embedder):
    client.force_login(alice)
    return alice


def texts(response):
    return [str(message) for message in response.context["messages"]]


def settings_page(client):
    return client.get(SETTINGS).headers["Location"]


def work(tenant):
    """What the worker does after a curated answer was kept."""
    with tenant_scope(tenant.pk):
        waiting = list(DocumentVersion.objects.filter(state="queued").values_list("pk", flat=True))
    ingestion.ingest_versions(tenant.pk, waiting)
    wordings.encode_wordings(tenant.pk)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (SETTINGS, ()),
        (SYNONYMS, (Role.CURATOR,)),
        (f"{SYNONYMS}add/", (Role.CURATOR,)),
        (IMPORT, (Role.CURATOR,)),
        (CURATED, (Role.CURATOR,)),
        (f"{CURATED}add/", (Role.CURATOR,)),
        (f"{CURATED}?try=hello", (Role.CURATOR,)),
    ],
)
def test_only_those_who_keep_them_come_in(client, tenant, owner, bob, charlie, url, allowed):
    assert client.get(url, follow=True).status_code == 200
    for role in (Role.CURATOR, Role.REVIEWER, Role.AGENT):
        client.force_login(person(tenant, f"some-{role}", role))
        assert client.get(url, follow=True).status_code == (200 if role in allowed else 403)
    for outsider in (bob, charlie):
        client.force_login(outsider)
        assert client.get(url, follow=True).status_code == 403
    client.logout()
    assert "/accounts/sign-in/" in client.get(url, follow=True).redirect_chain[-1][0]


def test_settings_are_kept_and_counted_from_the_next_question_on(client, owner, add, tenant):
    add("theirs", "The discount is forty percent.", metadata={"audience": "partners"})
    url = settings_page(client)
    data = {
        "diversity": "0.2",
        "audiences": "customers",
        "reranker": "none",
        "dense_weight": "",
        "rerank_weight": "0.5",
    }
    assert client.post(url, data).status_code == 302
    with tenant_scope(tenant.pk):
        row = SearchSettings.objects.get()
        assert (row.spelling, row.diversity, row.rerank_weight, row.audiences) == (False, 0.2, 0.5, "customers")
        assert AuditEvent.objects.first().action == "policy.edited"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"diversity": "2"}, "diversity"),
        ({"diversity": "0", "dense_weight": "-1"}, "dense_weight"),
        ({"diversity": "0", "reranker": "server"}, "rerank_url"),
        ({"diversity": "0", "rerank_url": "ftp://x"}, "rerank_url"),
        ({"diversity": "0", "rerank_url": "http://10.0.0.1/rerank"}, "rerank_url"),
        ({"diversity": "0", "key": "two words"}, "key"),
    ],
)
def test_unfit_settings_say_what_to_do_and_change_nothing(client, owner, tenant, settings, data, field):
    settings.ASKWELL_PRIVATE_MODELS = False
    response = client.post(settings_page(client), {"reranker": "none", **data})
    assert field in response.context["adminform"].form.errors
    with tenant_scope(tenant.pk):
        assert SearchSettings.objects.get().spelling


def test_the_key_is_sealed_and_never_shown(client, owner, tenant):
    url = settings_page(client)
    data = {"diversity": "0", "reranker": "server", "rerank_url": "https://example.com/rerank", "key": "s3cret-key"}
    assert client.post(url, data).status_code == 302
    page = client.get(url).content.decode()
    assert "s3cret-key" not in page
    assert "Try it" in page
    with tenant_scope(tenant.pk):
        row = SearchSettings.objects.get()
        assert "s3cret-key" not in row.rerank_sealed_key
        assert row.rerank_sealed_key
        assert not AuditEvent.objects.filter(detail__icontains="s3cret").exists()
    client.post(url, {**data, "key": "", "forget_key": "on"})
    with tenant_scope(tenant.pk):
        assert SearchSettings.objects.get().rerank_sealed_key == ""


def test_the_server_is_tried(client, owner, tenant, monkeypatch):
    url = settings_page(client)
    assert "No server" in texts(client.post(url, {"_try": "1"}, follow=True))[0]
    with tenant_scope(tenant.pk):
        SearchSettings.objects.update(reranker="server", rerank_url="https://example.com/rerank")
    for scores, says in (([0.1, 0.9], "It works"), ([0.9, 0.1], "wrong passage")):
        scopes = []

        def ask(*_, scopes=scopes, scores=scores):
            scopes.append(scope_is_open())
            return scores

        monkeypatch.setattr("knowledge.admin.searching.RerankServer.ask", ask)
        assert says in texts(client.post(url, {"_try": "1"}, follow=True))[0]
        assert scopes == [False]  # no transaction waits for a server


def test_with_the_gate_on_weights_wait(client, owner, tenant):
    url = settings_page(client)
    with tenant_scope(tenant.pk):
        ReleaseGate.objects.create(enabled=True)
    response = client.post(url, {"diversity": "0", "reranker": "none", "dense_weight": "0.9"}, follow=True)
    assert "wait" in texts(response)[0]
    with tenant_scope(tenant.pk):
        assert SearchSettings.objects.get().dense_weight is None


def test_a_group_of_synonyms_is_kept_changed_and_deleted(client, curator, tenant):
    assert client.post(f"{SYNONYMS}add/", {"words": "laptop\nnotebook\nlaptop"}).status_code == 302
    with tenant_scope(tenant.pk):
        group = SynonymGroup.objects.get()
        assert (group.words, group.one_way) == (["laptop", "notebook"], False)
    client.post(f"{SYNONYMS}{group.pk}/change/", {"words": "laptop\nportable", "one_way": "on"})
    client.post(f"{SYNONYMS}{group.pk}/delete/", {"post": "yes"})
    with tenant_scope(tenant.pk):
        assert not SynonymGroup.objects.exists()
        actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
        assert actions[-3:] == ["synonyms.added", "synonyms.edited", "synonyms.deleted"]


@pytest.mark.parametrize(
    "words", ["", "one", "one\nONE", "a\n🙂", "x" * 101 + "\ny", "\n".join(f"w{n}" for n in range(21))]
)
def test_a_group_that_is_none_is_explained(client, curator, tenant, words):
    response = client.post(f"{SYNONYMS}add/", {"words": words})
    assert "words" in response.context["adminform"].form.errors
    with tenant_scope(tenant.pk):
        assert not SynonymGroup.objects.exists()


def test_a_list_is_imported_once(client, curator, tenant):
    pasted = "laptop, notebook\n# a note\n\ndevice => phone; tablet\n"
    file = SimpleUploadedFile("more.csv", '\ufeff"Handy","mobile phone"\nLaptop,Notebook\n'.encode())
    response = client.post(IMPORT, {"text": pasted, "file": file}, follow=True)
    assert texts(response) == ["3 added. 1 were here already."]
    with tenant_scope(tenant.pk):
        groups = {(tuple(words), way) for words, way in SynonymGroup.objects.values_list("words", "one_way")}
    assert (("device", "phone", "tablet"), True) in groups
    assert (("Handy", "mobile phone"), False) in groups
    assert texts(client.post(IMPORT, {"text": pasted}, follow=True)) == ["0 added. 2 were here already."]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"text": "laptop, notebook\nlonely\n=> x, y"}, "Line 2: A group needs at least two"),
        ({"text": ""}, "no group"),
        ({"file": SimpleUploadedFile("a.csv", b"\xff\xfe\x00")}, "not UTF-8"),
    ],
)
def test_a_list_with_mistakes_adds_nothing_and_keeps_what_was_pasted(client, curator, tenant, data, says):
    page = client.post(IMPORT, data).content.decode()
    assert says in page
    assert data.get("text", "") in page.replace("&gt;", ">")
    with tenant_scope(tenant.pk):
        assert not SynonymGroup.objects.exists()


def test_lists_of_nonsense_are_read_to_their_end():
    groups, problems = parse_groups("a => b => c, d\n,,,\n" + "x\n" * 5000)
    assert len(problems) == 5000
    assert [group.words for group in groups] == [("a", "b", "> c", "d")] or len(groups) <= 1


def test_a_curated_answer_is_written_tried_changed_and_deleted(client, curator, tenant):
    data = {"questions": "Can I return it?\nreturns of goods", "answer": "Within thirty days.", "enabled": "on"}
    assert client.post(f"{CURATED}add/", data).status_code == 302
    work(tenant)
    page = client.get(CURATED, {"try": "can i return it"}).content.decode()
    assert "This question gets" in page
    assert "No curated answer fits" in client.get(CURATED, {"try": "Who painted Rome?"}).content.decode()
    assert search(tenant.pk, "Can I return it?").curated.answer == "Within thirty days."
    with tenant_scope(tenant.pk):
        row = CuratedAnswer.objects.get()
    client.post(f"{CURATED}{row.pk}/change/", {**data, "answer": "Never."})
    work(tenant)
    assert search(tenant.pk, "Can I return it?").curated.answer == "Never."
    assert "Can I return it?" in client.get(f"{CURATED}{row.pk}/delete/").content.decode()
    client.post(f"{CURATED}{row.pk}/delete/", {"post": "yes"})
    with tenant_scope(tenant.pk):
        assert not CuratedAnswer.objects.exists()
        assert not Document.objects.exists()


def test_a_review_brings_question_and_answer_along(client, curator):
    page = client.get(f"{CURATED}add/", {"question": f"Is it {EVIL}?", "answer": "It is."}).content.decode()
    assert "It is.</textarea>" in page
    assert EVIL not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "data",
    [{"questions": "", "answer": "x"}, {"questions": "x", "answer": " "}, {"questions": "x" * 301, "answer": "y"}],
)
def test_a_curated_answer_that_cannot_be_kept_is_explained(client, curator, tenant, data):
    assert client.post(f"{CURATED}add/", data).context["adminform"].form.errors
    with tenant_scope(tenant.pk):
        assert not CuratedAnswer.objects.exists()


def test_the_search_page_offers_what_documents_have_and_says_what_it_did(client, curator, add):
    add("a", "The warranty covers two years.", metadata={"product": "X1", "category": "terms"})
    add("b", "The shop opens at nine.", metadata={"product": "G1"})
    page = client.get(SEARCH, {"q": "How long is the warranty and when does the shop open?"})
    text = page.content.decode()
    assert "Looked up as a whole, and as" in text
    assert [name for name, _ in page.context["choices"]] == ["category", "product"]
    only = client.get(SEARCH, {"q": "warranty", "product": "G1"}).context["result"]
    assert {passage.document for passage in only.passages} == {"b"}
    none = client.get(SEARCH, {"q": "warranty", "product": f"<b>{EVIL}"}).content.decode()
    assert "that matches your choice" in none
    assert EVIL not in none
