"""Whether the pages that documents were fetched from have changed, or are gone: looked at once a day, and politely.

A page is asked for with the marks that it gave last time (ETag, Last-Modified; RFC 9110, 13.1), so that one that has
not changed costs a line. Pages that say nothing are compared by their bytes, and where these differ by what is read
from them: a date in the footer's code is no change. A server that is away, or wants to be left alone, says nothing.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.utils import timezone

from knowledge import alerts, fetching
from knowledge.models import Document, KnowledgeAlert, SourceCheck
from knowledge.readers.base import ReadError
from knowledge.readers.sandbox import read_in_sandbox
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Callable

AT_MOST = 300  # pages of a tenant in one go
PAUSE = 1.0  # seconds between two requests to the same server
SECONDS = 20.0  # for one page
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
CHANGED = "The page says something else now. Read the document again."
NOT_THERE = "The page is not there any more (status {})."
LONGEST_ETAG, LONGEST_DATE = 500, 100
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A document's page, as it was read."""

    document: int
    url: str
    filename: str
    content_hash: str
    markdown: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """What a page was found to be.

    Attributes:
        kind: CHANGED or GONE; empty: as it was; None: nothing could be said.
        detail: a sentence for the curator.
    """

    kind: KnowledgeAlert.Kind | str | None
    detail: str = ""
    etag: str = ""
    last_modified: str = ""


def look_at_sources(
    tenant_id: int, *, send: Callable[..., fetching.Reply] = fetching.send, pause: float = PAUSE
) -> int:
    """Look at the pages of a tenant's documents, one after the other; slow, opens its own scopes.

    Returns:
        How many pages were looked at.
    """
    with tenant_scope(tenant_id):
        if not alerts.settings_now().check_sources:
            return 0
        sources = [_source(document) for document in alerts.fetched_documents()[:AT_MOST]]
    last: dict[str, float] = {}
    for source in sources:
        host = urlsplit(source.url).netloc
        if host in last:  # a server is asked once in a while, not as fast as it answers
            time.sleep(max(last[host] + pause - time.monotonic(), 0.0))
        look = look_at(source, send)
        last[host] = time.monotonic()
        with tenant_scope(tenant_id):
            note(source, look)
    return len(sources)


def _source(document: Document) -> Source:
    version = document.current
    assert version is not None  # noqa: S101 (a live document has one)
    check: SourceCheck | None = getattr(document, "source_check", None)
    marks = {}
    if check and check.content_hash == version.content_hash:
        marks = {"If-None-Match": check.etag, "If-Modified-Since": check.last_modified}
    headers = {name: value for name, value in marks.items() if value}
    return Source(document.pk, version.url, version.filename, version.content_hash, version.markdown, headers)


def look_at(source: Source, send: Callable[..., fetching.Reply] = fetching.send) -> Look:
    """Ask for a page; touches no database, raises nothing."""
    request = fetching.Request(source.url, headers=source.headers)
    try:
        reply = send(request, seconds=SECONDS, limit=fetching.MAX_BYTES)
    except fetching.FetchError as error:
        log.info("A source could not be looked at: %s", error)
        return Look(None)
    if reply.status in GONE:
        return Look(KnowledgeAlert.Kind.GONE, NOT_THERE.format(reply.status))
    if reply.status == HTTPStatus.NOT_MODIFIED:
        return Look(
            "", etag=source.headers.get("If-None-Match", ""), last_modified=source.headers.get("If-Modified-Since", "")
        )
    if reply.status != HTTPStatus.OK or not reply.whole or not reply.data:
        return Look(None)
    if _says_the_same(source, reply.data):
        etag, date = (str(reply.headers.get(name) or "") for name in ("ETag", "Last-Modified"))
        return Look("", etag=etag if len(etag) <= LONGEST_ETAG else "", last_modified=date[:LONGEST_DATE])
    return Look(KnowledgeAlert.Kind.CHANGED, CHANGED)


def _says_the_same(source: Source, data: bytes) -> bool:
    if hashlib.sha256(data).hexdigest() == source.content_hash:
        return True
    name = source.filename or Path(urlsplit(source.url).path).name or "page.html"
    with tempfile.NamedTemporaryFile(suffix=Path(name).suffix) as file:
        file.write(data)
        file.flush()
        try:
            return read_in_sandbox(Path(file.name), name).markdown == source.markdown
        except ReadError:
            return False


def note(source: Source, look: Look) -> None:
    """Keep what was found, unless the document has gone or been read anew meanwhile; needs the tenant's scope."""
    document = Document.objects.filter(pk=source.document, current__content_hash=source.content_hash).first()
    if document is None:
        return
    marks = {"etag": look.etag, "last_modified": look.last_modified, "content_hash": source.content_hash}
    SourceCheck.objects.update_or_create(
        document=document,
        defaults={**(marks if look.kind == "" else {}), "checked_at": timezone.now()},
        create_defaults={"tenant_id": document.tenant_id, **marks, "checked_at": timezone.now()},
    )
    if look.kind is not None:
        for kind in (KnowledgeAlert.Kind.CHANGED, KnowledgeAlert.Kind.GONE):
            alerts.keep_one(kind, document.pk, look.detail if look.kind == kind else "")
