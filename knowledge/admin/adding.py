"""From the form for adding documents to the documents it names."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import PurePath

from django.contrib import messages
from django.http import HttpRequest
from django.utils.text import slugify

from knowledge import services
from knowledge.admin.forms import KEEP, AddDocumentsForm
from knowledge.models import Document
from knowledge.readers.base import clean
from knowledge.sources import JSONL, MAX_BYTES, Added, DocumentRefused, NewDocument, Outcome, from_jsonl
from tenants.admin.base import actor

SHOWN = 5  # names in one message
Item = NewDocument | DocumentRefused


def add_from_form(request: HttpRequest, form: AddDocumentsForm) -> list[Added]:
    """Adds everything that the form names, tells in messages what became of it, and returns what was added."""
    items = list(_items(form))
    wanted = [item for item in items if isinstance(item, NewDocument)]
    results = services.add_documents(wanted, actor=actor(request))
    refused = [item for item in [*items, *results] if isinstance(item, DocumentRefused)]
    added = [result for result in results if isinstance(result, Added)]
    _tell(request, added, refused)
    return added


def _items(form: AddDocumentsForm) -> Iterator[Item]:
    values, metadata = form.cleaned_data, form.metadata()
    files = values["files"]
    single = len(files) + bool(values["address"]) + bool(values["text"]) == 1
    title, publish = values["title"] if single else "", values["publish"]
    for file in files:
        name = clean(PurePath(file.name or "").name) or "file"
        if name.lower().endswith(JSONL) and file.size <= MAX_BYTES:
            yield from from_jsonl(file.read(), name)
        else:
            external_id = _free(name) if values["same_name"] == KEEP else name
            yield NewDocument(
                external_id=external_id, filename=name, data=file, title=title, metadata=metadata, publish=publish
            )
    if values["address"]:
        address = values["address"]
        yield NewDocument(external_id=address[:500], url=address, title=title, metadata=metadata, publish=publish)
    if values["text"]:
        name = _free(f"{slugify(values['title'])[:80] or 'text'}.md")
        data = values["text"].encode("utf-8", "ignore")
        yield NewDocument(
            external_id=name, filename=name, data=data, title=values["title"], metadata=metadata, publish=publish
        )


def _free(name: str) -> str:
    """The name, or the name with a number where a document has it already."""
    path = PurePath(name)
    for number in count(1):
        wanted = name if number == 1 else f"{path.stem}-{number}{path.suffix}"
        if not Document.objects.filter(external_id=wanted).exists():
            return wanted
    raise AssertionError  # the numbers do not end


def _tell(request: HttpRequest, added: Sequence[Added], refused: Sequence[DocumentRefused]) -> None:
    started = [result for result in added if result.version]
    same = [result.document for result in added if result.outcome == Outcome.UNCHANGED]
    if started:
        messages.success(request, f"{len(started)} being read: {_names(r.document for r in started)}.")
    if same:
        messages.info(request, f"Unchanged, so nothing was done: {_names(same)}.")
    for result in started:
        if result.duplicates:
            others = ", ".join(result.duplicates[:SHOWN])
            text = f"{result.document} has the same content as {others}. Delete one of them, or answers cite both."
            messages.warning(request, text)
    for refusal in refused:
        messages.error(request, f"{refusal.external_id}: {refusal}")


def _names(documents: Iterator[Document] | Sequence[Document]) -> str:
    names = [str(document) for document in documents]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
