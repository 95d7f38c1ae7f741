"""A curator: adds documents, sees what became of each, checks what answers are made of, and takes things out again."""

import io
import re
import time
from urllib.parse import urlsplit

import docx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.knowledge.test_readers_pdf import paragraph, pdf

pytestmark = pytest.mark.browser

DOCUMENTS = "/admin/knowledge/document/"
READ_WITHIN = 60_000  # milliseconds, on a machine that has other things to do
FOUND_WITHIN = 5.0  # seconds, likewise
GARDEN = """# Rooftop garden

## Opening hours

The rooftop garden of the Columbus store is open from April to October, daily from 7 a.m. to 9 p.m.

## Rules

Dogs must be kept on a lead of at most two metres.
"""
QUESTION = "When is the rooftop garden of the Columbus store open?"
KENNEL = "The kennel on the second floor accepts parrots until noon."
CATTERY = "The cattery on the first floor is closed on Mondays."  # no copy of the other: of copies one is shown
ENCRYPTED = f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{'11' * 32}>/U<{'22' * 32}>>>/ID[<00><00>]"
LOCKED = pdf([paragraph(700, "secret")], trailer=ENCRYPTED)


def file(name: str, data: bytes) -> dict:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def word(text: str) -> bytes:
    document, data = docx.Document(), io.BytesIO()
    document.add_heading("Lost property", 1)
    document.add_paragraph(text)
    document.save(data)
    return data.getvalue()


def add_files(page: Page, *files: dict, details: dict[str, str] | None = None) -> None:
    """Uploads them through the page that adds; ends at the list of documents."""
    page.get_by_role("link", name="Add documents").first.click()
    page.get_by_label("Any number of files").set_input_files(list(files))
    if details:
        page.get_by_text("Details for all of them").click()
    for label, value in (details or {}).items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Add documents").click()
    page.wait_for_url(f"**{DOCUMENTS}")


def row(page: Page, name: str) -> Locator:
    return page.locator("#result_list tbody").filter(has_text=name)


def state(page: Page, name: str, wanted: str) -> Locator:
    """The row of a document, once its state is the wanted one: the list keeps itself up to date."""
    found = row(page, name)
    expect(found.locator(".aw-badge").first).to_have_text(wanted, timeout=READ_WITHIN)
    return found


def open_document(page: Page, name: str) -> None:
    row(page, name).get_by_role("link").first.click()
    page.wait_for_url(re.compile(r"/change/"))


def run_action(page: Page, name: str, action: str) -> None:
    row(page, name).get_by_role("checkbox").check()
    page.locator("select[name=action]").select_option(label=action)
    page.get_by_role("button", name="Run").click()


def search(page: Page, query: str) -> Locator:
    page.goto(f"{origin(page)}/admin/knowledge/search/")
    page.get_by_label("What would a customer ask?").fill(query)
    page.keyboard.press("Enter")
    page.wait_for_url("**?q=*")
    return page.locator(".aw-results > li")


def find(page: Page, query: str, title: str) -> Locator:
    """The hits, once the document is among them: what has just come into use may take a second."""
    until = time.monotonic() + FOUND_WITHIN
    hits = search(page, query)
    while not hits.filter(has_text=title).count() and time.monotonic() < until:
        hits = search(page, query)
    assert hits.filter(has_text=title).count() == 1, page.locator("body").inner_text()
    return hits


def origin(page: Page) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}"


@pytest.fixture
def curating(page, sign_in) -> Page:
    sign_in(page, "curator", "/admin/")
    return page


def test_what_was_uploaded_is_in_the_next_answer(curating, open_chat, ask):
    """Many files at once, with a broken and a locked one among them: these fail with a reason, the rest goes live."""
    page = curating
    add_files(
        page,
        file("rooftop-garden.md", GARDEN.encode()),
        file("lost-property.docx", word("Lost umbrellas are kept at the information desk for ninety days.")),
        file("piano-rental.pdf", pdf([paragraph(700, "A piano may be rented for forty dollars a day.")])),
        file("broken.pdf", b"%PDF-1.7 this is no file of that kind"),
        file("locked.pdf", LOCKED),
        details={"Category": "journey", "Language": "en"},
    )
    expect(page.get_by_text("5 being read")).to_be_visible()
    expect(page.locator("progress").first).to_be_visible()
    for name in ("rooftop-garden.md", "lost-property.docx", "piano-rental.pdf"):
        state(page, name, "Live")
    expect(state(page, "locked.pdf", "Failed")).to_contain_text("protected by a password. Save a copy without")
    expect(state(page, "broken.pdf", "Failed").locator(".aw-error")).to_contain_text(re.compile(r"\w.*\."))
    expect(row(page, "Rooftop garden")).to_contain_text("journey")

    open_chat(page)
    answer = ask(page, QUESTION)
    expect(answer).to_contain_text("April to October")
    expect(answer.locator("a.source").first).to_contain_text("Rooftop garden")

    page.goto(f"{origin(page)}{DOCUMENTS}?is=failed")
    row(page, "broken.pdf").get_by_role("button", name="Retry").click()
    state(page, "broken.pdf", "Failed")
    add_files(page, file("locked.pdf", pdf([paragraph(700, "The safe is opened on Mondays.")])))
    state(page, "locked.pdf", "Live")
    page.goto(f"{origin(page)}/admin/")
    expect(page.get_by_role("link", name=re.compile("Failed see why"))).to_contain_text("1")


def test_the_list_stays_in_hand_while_documents_are_read(curating):
    """Its rows are brought up to date where they are: boxes stay ticked, and nothing that is open closes."""
    page = curating
    guide = "# Guide to the roof\n\nThe roof is open at noon."
    add_files(page, file("roof.md", guide.encode()), file("roof.pdf", b"%PDF-1.7 nothing"))
    page.evaluate("window.sameAsBefore = true")
    box = row(page, "Glossary").get_by_role("checkbox")
    box.check()
    state(page, "roof.md", "Live")
    expect(row(page, "roof.md").get_by_role("link").first).to_have_text("Guide to the roof")
    with page.expect_response("**/reread/**") as answered:
        state(page, "roof.pdf", "Failed").get_by_role("button", name="Retry").click()
    assert "Waiting" in answered.value.text()
    state(page, "roof.pdf", "Failed")
    expect(box).to_be_checked()
    assert page.evaluate("window.sameAsBefore")
    for name in ("roof.md", "roof.pdf"):
        row(page, name).get_by_role("checkbox").check()
    box.uncheck()
    page.locator("select[name=action]").select_option(label="Delete selected documents")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Yes, delete").click()
    expect(row(page, "roof.md")).to_have_count(0)


def test_a_text_is_written_and_a_private_address_refused(curating):
    page = curating
    page.get_by_role("link", name="Add documents").first.click()
    page.get_by_role("button", name="Add documents").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose files, give an address or write a text.")
    page.get_by_label("Title").fill("Cattery")
    page.get_by_label("Text", exact=True).fill(CATTERY)
    page.get_by_label("Web address").fill("http://127.0.0.1:1/latest/meta-data/")
    page.get_by_role("button", name="Add documents").click()
    state(page, "Cattery", "Live")
    expect(state(page, "127.0.0.1", "Failed")).to_contain_text("is not on the public internet")
    run_action(page, "127.0.0.1", "Delete selected documents")
    page.get_by_role("button", name="Yes, delete").click()
    expect(row(page, "127.0.0.1")).to_have_count(0)


@pytest.fixture
def kennel(curating) -> Page:
    """A live document of one passage; the list of documents is open."""
    page = curating
    add_files(page, file("kennel-rules.md", f"# Kennel rules\n\n{KENNEL}\n".encode()))
    state(page, "kennel-rules.md", "Live")
    return page


def test_a_passage_is_switched_off_and_on(kennel):
    page = kennel
    open_document(page, "kennel-rules.md")
    passage = page.locator(".aw-passage")
    expect(passage).to_contain_text(KENNEL)
    expect(passage).to_contain_text(re.compile(r"characters \d+–\d+"))
    passage.get_by_role("button", name="Switch off").click()
    expect(passage.locator(".aw-badge")).to_have_text("Off")
    document = page.url
    hits = search(page, KENNEL)
    expect(hits.filter(has_text="Kennel rules")).to_have_count(0)

    page.goto(document)
    passage.get_by_role("button", name="Switch on").click()
    expect(passage.locator(".aw-badge")).to_have_count(0)
    hits = find(page, KENNEL, "Kennel rules")
    expect(hits.first).to_contain_text("Kennel rules")
    names = ["Score", "Words", "Best sentence", "Meaning", "Together", "Word by word"]
    expect(hits.first.locator("dt")).to_have_text(names)
    for value in hits.first.locator("dd").all_inner_texts():
        assert re.fullmatch(r"-?\d+\.\d{4}", value)


def test_a_document_is_edited_archived_restored_read_again_and_deleted(kennel):
    page = kennel
    open_document(page, "kennel-rules.md")
    page.get_by_label("Category").fill("animals")
    page.get_by_label("Source address").fill("https://help.techpro.example/kennel")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**{DOCUMENTS}")
    expect(row(page, "kennel-rules.md")).to_contain_text("animals")

    open_document(page, "kennel-rules.md")
    page.get_by_role("button", name="Archive").click()
    state(page, "kennel-rules.md", "Archived")
    expect(search(page, KENNEL).filter(has_text="Kennel rules")).to_have_count(0)
    page.goto(f"{origin(page)}{DOCUMENTS}")
    run_action(page, "kennel-rules.md", "Publish: use in answers (again)")
    state(page, "kennel-rules.md", "Live")
    find(page, KENNEL, "Kennel rules")

    page.goto(f"{origin(page)}{DOCUMENTS}")
    open_document(page, "kennel-rules.md")
    page.get_by_role("button", name="Read again").click()
    expect(page.locator("#document .aw-badge")).to_have_text("Live", timeout=READ_WITHIN)
    page.reload()
    expect(page.locator(".aw-table tbody tr")).not_to_have_count(1)
    page.get_by_role("link", name="Delete document").click()
    expect(page.get_by_text("This cannot be undone; archiving can.")).to_be_visible()
    page.get_by_role("link", name="Keep").click()
    run_action(page, "kennel-rules.md", "Delete selected documents")
    page.get_by_role("button", name="Yes, delete").click()
    expect(row(page, "kennel-rules.md")).to_have_count(0)
    expect(search(page, KENNEL).filter(has_text="Kennel rules")).to_have_count(0)


def test_an_operator_switches_tenants_and_sees_only_that_ones_documents(page, sign_in):
    sign_in(page, "operator", "/admin/")
    page.get_by_label("Tenant").select_option("Northwind Tools")
    page.get_by_role("button", name="Switch").click()
    expect(page.get_by_label("Tenant").locator("option:checked")).to_have_text("Northwind Tools")
    page.get_by_role("link", name="Documents", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Documents")
    expect(page.locator("#result_list")).not_to_contain_text("X1 user manual")
    theirs = page.locator("#result_list tbody").count()
    assert theirs > 0
    for hit in search(page, "battery of the TechPro X1 laptop").all():
        expect(hit).not_to_contain_text("X1")
    page.get_by_label("Tenant").select_option("TechPro Electronics")
    page.get_by_role("button", name="Switch").click()
    page.get_by_role("link", name="Documents", exact=True).click()
    expect(row(page, "X1 user manual").first).to_be_visible()


def test_an_owner_adds_a_member_and_a_key_and_reads_who_did_what(page, sign_in):
    sign_in(page, "owner", "/admin/")
    page.get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Add member").click()
    page.get_by_label("E-mail address").fill("jo@techpro.example")
    page.get_by_label("Role").select_option("Reviewer")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".aw-secret")).to_have_text(re.compile(r"\S{12,}"))
    page.get_by_role("link", name="All members").click()
    expect(row(page, "jo@techpro.example")).to_contain_text("Reviewer")

    page.get_by_role("link", name="API keys").click()
    page.get_by_role("link", name="Add API key").click()
    page.get_by_label("Name").fill("Website")
    page.get_by_role("button", name="Save").click()
    key = page.locator(".aw-secret").inner_text().strip()
    assert len(key) > 20
    page.get_by_role("link", name="All keys").click()
    expect(row(page, "Website")).to_contain_text(key[:6])
    assert key not in page.content()
    run_action(page, "Website", "Revoke the selected keys")
    expect(page.get_by_text("The keys no longer open anything.")).to_be_visible()

    page.get_by_role("link", name="Audit trail").click()
    expect(page.locator("#result_list tbody").first).to_contain_text("olivia@techpro.example")
    expect(row(page, "jo@techpro.example").first).to_contain_text("Member added")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    page.locator("#result_list tbody").first.get_by_role("link").click()
    page.wait_for_url("**/change/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Website")
    for verb in ("Save", "Delete"):
        expect(page.get_by_role("button", name=verb)).to_have_count(0)
        expect(page.get_by_role("link", name=verb)).to_have_count(0)
