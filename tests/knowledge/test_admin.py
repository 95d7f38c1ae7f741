"""The admin's pages about documents: who may come, what they show, what they do."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from knowledge import ingestion, rereading, services
from knowledge.models import Chunk, Document, DocumentVersion
from knowledge.queries import retrievable_chunks
from knowledge.retrieval.scores import SCORES
from knowledge.sources import NewDocument
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db
LIST, ADD, SEARCH = "/admin/knowledge/document/", "/admin/knowledge/document/add/", "/admin/knowledge/search/"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def curator(tenant, client, files, embedder):
    user = person(tenant, "cora", Role.CURATOR)
    client.force_login(user)
    return user


def change(document):
    return reverse("admin:knowledge_document_change", args=[document.pk])


def act(client, action, *documents):
    data = {"action": action, "_selected_action": [document.pk for document in documents]}
    return client.post(LIST, data, follow=True)


def texts(response):
    return [str(message) for message in response.context["messages"]]


@pytest.mark.parametrize("url", [LIST, ADD, SEARCH])
@pytest.mark.usefixtures("curator")
def test_only_those_who_work_here_come_in(client, tenant, bob, charlie, url):
    assert client.get(url).status_code == 200
    client.force_login(person(tenant, "rita", Role.REVIEWER))
    assert client.get(url).status_code == (200 if url == SEARCH else 403)
    for outsider in (bob, charlie):
        client.force_login(outsider)
        assert client.get(url, follow=True).status_code == 403
    client.logout()
    assert client.get(url, follow=True).redirect_chain[-1] == (f"/accounts/sign-in/?next={url}", 302)


def test_the_list_shows_each_documents_state(client, curator, add, tenant):
    live = add("live", title="Live one")
    add("bad", data=b"%PDF-1.7 nothing", filename="bad.pdf")
    with tenant_scope(tenant.pk):
        services.archive([add("old", "Old text.")], actor="a")
        services.add_document(NewDocument(external_id="new", text="New."), actor="a")
    page = client.get(LIST).content.decode()
    states = dict(re.findall(r'id="state-(\d+)".*?aw-badge[^>]*>([^<]+)<', page, re.DOTALL))
    assert sorted(states.values()) == ["Archived", "Failed", "Live", "Waiting"]
    assert states[str(live.pk)] == "Live"
    assert "<progress" in page
    assert "Retry" in page


@pytest.mark.parametrize(
    ("value", "names"),
    [("live", {"a"}), ("failed", {"b"}), ("work", {"c"}), ("archived", {"d"}), ("draft", {"e"})],
)
@pytest.mark.usefixtures("curator")
def test_the_list_is_filtered_by_state(client, add, tenant, value, names):
    add("a")
    add("b", data=b"%PDF-1.7 nothing", filename="bad.pdf")
    with tenant_scope(tenant.pk):
        services.add_document(NewDocument(external_id="c", text="New."), actor="a")
        services.archive([add("d", "Old text.")], actor="a")
    add("e", "Not yet.", publish=False)
    found = client.get(LIST, {"is": value}).context["cl"].result_list
    assert {document.external_id for document in found} == names


def test_the_list_takes_as_many_queries_for_many_documents_as_for_one(client, curator, add, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    add("a")
    client.get(LIST)
    with CaptureQueriesContext(connection) as one:
        client.get(LIST)
    for name in "bcd":
        add(name, f"Text {name}.")
    with django_assert_num_queries(len(one)):
        client.get(LIST)


def test_many_files_are_added_at_once(client, curator, tenant):
    files = [
        SimpleUploadedFile("one.md", b"# One"),
        SimpleUploadedFile("two.txt", b"Two"),
        SimpleUploadedFile("no.txt", b""),
    ]
    response = client.post(
        ADD, {"files": files, "same_name": "replace", "category": "faq", "publish": "on"}, follow=True
    )
    assert texts(response)[0] == "2 being read: one.md, two.txt."
    assert texts(response)[1].startswith("no.txt: The file is empty.")
    with tenant_scope(tenant.pk):
        assert set(Document.objects.values_list("external_id", "category")) == {("one.md", "faq"), ("two.txt", "faq")}
        assert AuditEvent.objects.first().actor == "cora"


def test_a_file_of_many_documents_is_unfolded(client, curator, tenant):
    lines = b'{"id": "x", "text": "First."}\n{"id": "y", "text": "Second."}\nbroken\n'
    response = client.post(
        ADD, {"files": [SimpleUploadedFile("faq.jsonl", lines)], "same_name": "replace", "publish": "on"}, follow=True
    )
    assert "Line 3" in texts(response)[1]
    with tenant_scope(tenant.pk):
        assert set(Document.objects.values_list("external_id", flat=True)) == {"x", "y"}


@pytest.mark.parametrize(("same_name", "ids"), [("replace", {"a.md"}), ("keep", {"a.md", "a-2.md"})])
@pytest.mark.usefixtures("curator")
def test_a_file_of_a_known_name_replaces_it_or_is_kept_beside(client, add, tenant, same_name, ids):
    add("a.md", data=b"# Old", filename="a.md")
    client.post(ADD, {"files": [SimpleUploadedFile("a.md", b"# New")], "same_name": same_name, "publish": "on"})
    with tenant_scope(tenant.pk):
        assert set(Document.objects.values_list("external_id", flat=True)) == ids


def test_duplicates_are_pointed_out(client, curator, add):
    add("a.md", data=b"# Same", filename="a.md")
    same = SimpleUploadedFile("b.md", b"# Same")
    response = client.post(ADD, {"files": [same], "same_name": "replace", "publish": "on"}, follow=True)
    assert "b.md has the same content as a.md" in " ".join(texts(response))


def test_a_text_and_an_address_are_added(client, curator, tenant):
    client.post(
        ADD, {"title": "Opening hours", "text": "# Hours\n\nNine to five.", "same_name": "keep", "publish": "on"}
    )
    client.post(ADD, {"address": "https://example.com/help", "same_name": "keep", "publish": "on"})
    with tenant_scope(tenant.pk):
        assert set(DocumentVersion.objects.values_list("filename", "url")) == {
            ("opening-hours.md", ""),
            ("", "https://example.com/help"),
        }


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "__all__"),
        ({"text": "No title"}, "title"),
        ({"address": "ftp://x/y"}, "address"),
        ({"title": "x" * 301, "text": "a"}, "title"),
    ],
)
def test_an_unfit_form_says_what_to_do(client, curator, tenant, data, field):
    response = client.post(ADD, {"same_name": "keep", **data})
    assert field in response.context["form"].errors
    with tenant_scope(tenant.pk):
        assert not Document.objects.exists()


def test_bulk_actions(client, curator, add, tenant):
    a, b = add("a"), add("b", "More.")
    act(client, "archive", a, b)
    with tenant_scope(tenant.pk):
        assert not retrievable_chunks().exists()
    act(client, "restore", a)
    act(client, "reread", b)
    with tenant_scope(tenant.pk):
        assert set(Document.objects.values_list("external_id", "state")) == {("a", "live"), ("b", "archived")}
        assert DocumentVersion.objects.filter(document=b).count() == 2


def test_deleting_asks_first(client, curator, add, tenant):
    document = add("a", title="Doomed")
    assert "Doomed" in act(client, "delete_selected", document).content.decode()
    with tenant_scope(tenant.pk):
        assert Document.objects.exists()
    client.post(LIST, {"action": "delete_selected", "_selected_action": [document.pk], "post": "yes"})
    with tenant_scope(tenant.pk):
        assert not Document.objects.exists()
        assert AuditEvent.objects.first().action == "document.deleted"


def test_the_page_of_a_document_shows_its_passages_and_where_they_stand(client, curator, add):
    document = add("m", data=b"# Manual\n\nPress it.\n\n## Care\n\nWipe it.", filename="m.md")
    page = client.get(change(document)).content.decode()
    assert "Manual \u203a Care" in page
    assert re.search(r"characters \d+\u2013\d+", page)
    assert "m.md" in page


def test_metadata_is_edited(client, curator, add, tenant):
    document = add("a", title="Old title")
    data = {"title": "New title", "language": "en", "source_url": "example.com/a", "valid_until": "2999-12-31"}
    response = client.post(change(document), data, follow=True)
    assert "read again" in " ".join(texts(response))
    with tenant_scope(tenant.pk):
        document.refresh_from_db()
        assert (document.title, document.source_url, document.valid_until.year) == (
            "New title",
            "https://example.com/a",
            2999,
        )


def test_a_validity_that_ends_before_it_begins_is_explained(client, curator, add):
    response = client.post(change(add()), {"title": "A", "valid_from": "2030-02-01", "valid_until": "2030-01-01"})
    assert "before" in str(response.context["errors"])


def test_a_passage_is_switched_off_and_on(client, curator, add, tenant):
    add()
    with tenant_scope(tenant.pk):
        chunk = Chunk.objects.get()
    url = reverse("admin:knowledge_passage", args=[chunk.pk])
    assert client.get(url).status_code == 405
    piece = client.post(url, {"off": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert "Switch on" in piece
    with tenant_scope(tenant.pk):
        assert not retrievable_chunks().exists()
    assert client.post(url, {"on": "1"}).status_code == 302
    with tenant_scope(tenant.pk):
        assert retrievable_chunks().exists()


def test_progress_is_asked_for_until_everything_is_read(client, curator, tenant):
    with tenant_scope(tenant.pk):
        version = services.add_document(NewDocument(external_id="a", text="Text."), actor="a").version
        DocumentVersion.objects.update(state="embedding", progress=40)
    url = f"/admin/knowledge/document/progress/?ids={version.document_id},x,99999999,{'9' * 30},,-1"
    page = client.get(url).content.decode()
    assert 'value="40"' in page
    assert f"ids={version.document_id}" in page
    ingestion.ingest_versions(tenant.pk, [version.pk])
    page = client.get(url).content.decode()
    assert "Live" in page
    assert "hx-get" not in page
    assert "Show what was read" in page


def test_a_list_is_brought_up_to_date_in_place(client, curator, tenant):
    with tenant_scope(tenant.pk):
        item = NewDocument(external_id="guide.md", data=b"# Guide to A & B\n\nPress it.", filename="guide.md")
        version = services.add_document(item, actor="a").version
    listed = client.get(LIST).content.decode()
    for cell in ("name", "language", "changed", "state"):
        assert f'id="{cell}-{version.document_id}"' in listed
    ingestion.ingest_versions(tenant.pk, [version.pk])
    response = client.get(f"/admin/knowledge/document/progress/?list=1&ids={version.document_id}")
    page = response.content.decode()
    assert "HX-Refresh" not in response.headers
    assert f'<div hx-swap-oob="innerHTML:#name-{version.document_id}">Guide to A &amp; B</div>' in page
    assert f"#language-{version.document_id}" in page
    assert "hx-get" not in page


def test_documents_of_an_earlier_reader_are_read_again(client, curator, add, tenant):
    add("new", "A new text.")
    with tenant_scope(tenant.pk):
        assert "Read it again" not in client.get(LIST).content.decode()
    add("old", "An old text.")
    with tenant_scope(tenant.pk):
        DocumentVersion.objects.filter(document__external_id="old").update(reader=0)
    assert "Read it again" in client.get(LIST).content.decode()
    response = client.post(f"{LIST}reread/", follow=True)
    assert texts(response) == ["They are read again in the background. What is live stays so until that has worked."]
    assert ProcrastinateJob.objects.filter(task_name=rereading.REREAD, args__actor="cora").count() == 1
    for role, status in ((Role.REVIEWER, 403), (Role.AGENT, 403)):
        client.force_login(person(tenant, role.lower(), role))
        assert client.post(f"{LIST}reread/").status_code == status


def test_a_passage_says_what_it_is_and_what_else_finds_it(client, curator, add):
    rows = "".join(f"| Plan {number} with all that goes with it | {number} € |\n" for number in range(60))
    document = add("prices", f"# Prices\n\nWhat plans cost a month:\n\n| Plan | Price |\n| --- | --- |\n{rows}")
    page = client.get(change(document)).content.decode()
    assert '<span class="aw-badge">Table</span>' in page
    assert "Also found by: What plans cost a month" in page


def test_retry_reads_a_document_again(client, curator, add, tenant):
    document = add("bad", data=b"%PDF-1.7 nothing", filename="bad.pdf")
    url = reverse("admin:knowledge_reread", args=[document.pk])
    page = client.post(f"{url}?list=1", headers={"HX-Request": "true"}).content.decode()
    assert f"progress/?list=1&amp;ids={document.pk}" in page  # the rest of the page stays as it is
    assert "Waiting" in page
    with tenant_scope(tenant.pk):
        assert DocumentVersion.objects.first().state == "queued"


def test_what_documents_say_is_never_html(client, curator, add):
    document = add(
        "evil", f"# {EVIL}\n\nPress {EVIL} now.", title=EVIL, metadata={"author": EVIL, "category": EVIL[:70]}
    )
    for url in (LIST, change(document), f"{SEARCH}?q=press", f"{SEARCH}?q={EVIL}"):
        page = client.get(url).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;" in page


def test_the_search_page_shows_every_partial_score(client, curator, add):
    add("returns", "You have thirty days to return a laptop.", title="Returns")
    response = client.get(SEARCH, {"q": "return a laptop"})
    result = response.context["result"]
    page = response.content.decode()
    assert result.passages[0].document == "returns"
    for name in ("Score", *(SCORES[name] for name in result.passages[0].scores)):
        assert f"<dt>{name}</dt>" in page
    assert "Searched from memory." in page


def test_what_was_found_comes_under_the_policy_of_the_admin(client, curator, add):
    add("returns")
    plain, found = client.get(SEARCH), client.get(SEARCH, {"q": "return"})
    for header in ("Content-Security-Policy", "Cache-Control"):
        assert found[header] == plain[header]
    assert "'unsafe-eval'" in found["Content-Security-Policy"]


@pytest.mark.parametrize("query", ["", "   ", "\x00", "x" * 5000, "عربي 🙂", "'; DROP TABLE knowledge_chunk; --"])
def test_the_search_page_takes_any_query(client, curator, query):
    assert client.get(SEARCH, {"q": query}).status_code == 200


def test_another_tenants_ids_and_missing_ones_are_the_same_404(client, curator, add, other_tenant):
    with tenant_scope(other_tenant.pk):
        foreign = services.add_document(NewDocument(external_id="f", text="Secret."), actor="a", enqueue=False)
    ingestion.ingest_versions(other_tenant.pk, [foreign.version.pk])
    with tenant_scope(other_tenant.pk):
        chunk = Chunk.objects.get()
    for pk in (foreign.document.pk, 99_999_999):
        assert client.post(reverse("admin:knowledge_reread", args=[pk])).status_code == 404
        assert client.get(reverse("admin:knowledge_document_change", args=[pk])).headers["Location"] == "/admin/"
        assert "state-" not in client.get(f"/admin/knowledge/document/progress/?ids={pk}").content.decode()
    for pk in (chunk.pk, 99_999_999):
        assert client.post(reverse("admin:knowledge_passage", args=[pk]), {"off": "1"}).status_code == 404
    act(client, "delete_selected", foreign.document)
    with tenant_scope(other_tenant.pk):
        assert retrievable_chunks().count() == 1


def test_the_policy_allows_no_inline_script(client, curator):
    policy = client.get(LIST).headers["Content-Security-Policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts == "script-src 'self' 'unsafe-eval'"
    assert "default-src 'none'" in policy
