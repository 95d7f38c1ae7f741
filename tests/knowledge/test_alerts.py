"""Alerts: raised by dates and sources, settled by people and by themselves."""

import datetime as dt
import hashlib
from email.message import Message

import pytest
from django.utils import timezone

from knowledge import alerts, fetching, rechecking
from knowledge.models import Document, DocumentVersion, KnowledgeAlert, ReportSettings, SourceCheck
from knowledge.queries import today
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db
PAGE = "/admin/knowledge/knowledgealert/"
Kind = KnowledgeAlert.Kind
TEXT = b"Returns are free."


def kinds():
    return sorted(alerts.open_alerts().values_list("kind", flat=True))


def change(document, **values):
    Document.objects.filter(pk=document.pk).update(**values)
    alerts.look_at_dates()


@pytest.fixture
def document(add, tenant):
    return add("returns")


def test_the_end_of_validity_is_announced_then_told(document, scope):
    alerts.look_at_dates()
    assert kinds() == []
    change(document, valid_until=today() + dt.timedelta(days=14))
    assert kinds() == ["ends"]
    change(document, valid_until=today() - dt.timedelta(days=1))
    assert kinds() == ["ended"]
    change(document, valid_until=today() + dt.timedelta(days=15))
    assert kinds() == []


def test_an_old_text_is_mentioned_as_the_tenant_wants(document, scope):
    long_ago = timezone.now() - dt.timedelta(days=400)
    DocumentVersion.objects.update(created_at=long_ago)
    alerts.look_at_dates()
    assert kinds() == ["old"]
    ReportSettings.objects.create(old_days=None)
    alerts.look_at_dates()
    assert kinds() == []


def test_archived_documents_are_left_alone(document, scope):
    change(document, valid_until=today())
    assert kinds() == ["ends"]
    change(document, state=Document.State.ARCHIVED)
    assert kinds() == []


def test_a_settled_alert_comes_back_only_if_something_changes(document, scope):
    change(document, valid_until=today() + dt.timedelta(days=2))
    assert alerts.settle(alerts.open_alerts().get(), actor="cora")
    assert AuditEvent.objects.filter(action="alert.settled").exists()
    alerts.look_at_dates()
    assert kinds() == []
    change(document, valid_until=today() + dt.timedelta(days=3))
    assert kinds() == ["ends"]
    change(document, valid_until=None)
    change(document, valid_until=today() + dt.timedelta(days=3))
    assert kinds() == ["ends"]


def reply(status=200, data=TEXT, **headers):
    found = Message()
    for name, value in headers.items():
        found[name.replace("_", "-")] = value
    return fetching.Reply(status, found, data, whole=True)


@pytest.fixture
def fetched(document, scope):
    """The document, as if it had been fetched."""
    values = {"url": "https://example.com/returns.txt", "content_hash": hashlib.sha256(TEXT).hexdigest()}
    DocumentVersion.objects.update(**values, filename="returns.txt", markdown=TEXT.decode())
    return document


@pytest.fixture
def look(fetched, tenant):
    """Looks at the source once; what the server said is kept in `look.requests`."""

    def look(answer):
        def send(request, **_):
            look.requests.append(request)
            if isinstance(answer, Exception):
                raise answer
            return answer

        assert rechecking.look_at_sources(tenant.pk, send=send, pause=0) == 1
        return kinds()

    look.requests = []
    return look


def test_a_page_that_has_not_changed_is_asked_for_with_its_marks(look):
    assert look(reply(ETag='"a"', Last_Modified="yesterday")) == []
    assert look(reply(304, b"")) == []
    assert look(reply(304, b"")) == []
    assert look.requests[0].headers == {}
    assert look.requests[2].headers == {"If-None-Match": '"a"', "If-Modified-Since": "yesterday"}


@pytest.mark.parametrize(
    ("status", "data", "kind"), [(404, b"", "gone"), (410, b"", "gone"), (200, b"Other.", "changed")]
)
def test_what_a_page_has_become(look, status, data, kind):
    assert look(reply(status, data)) == [kind]
    assert look(reply()) == []


@pytest.mark.parametrize("answer", [reply(500), reply(429), reply(403), fetching.FetchError("away"), reply(200, b"")])
def test_a_server_that_is_away_says_nothing(look, answer):
    assert look(answer) == []
    assert SourceCheck.objects.get().checked_at


def test_other_bytes_that_read_the_same_are_no_change(look):
    assert look(reply(200, TEXT + b"\n\n")) == []


def test_a_document_that_goes_meanwhile_is_passed_over(fetched):
    source = rechecking._source(alerts.fetched_documents().get())
    DocumentVersion.objects.update(content_hash="new")
    rechecking.note(source, rechecking.Look(Kind.GONE, "gone"))
    assert kinds() == []


def test_sources_are_left_alone_where_nobody_wants_to_know(fetched, tenant):
    ReportSettings.objects.create(check_sources=False)
    assert rechecking.look_at_sources(tenant.pk, send=None) == 0


def test_the_page_of_alerts(client, tenant, document, alice, bob, charlie):
    with tenant_scope(tenant.pk):
        change(document, valid_until=today())
        alert = alerts.open_alerts().get()
    for user in (bob, charlie, person(tenant, "rita", Role.REVIEWER), person(tenant, "ada", Role.AGENT)):
        client.force_login(user)
        assert client.get(PAGE, follow=True).status_code == 403
        assert client.post(PAGE, {"_settle": alert.pk}, follow=True).status_code == 403
    client.force_login(person(tenant, "cora", Role.CURATOR))
    assert "Its validity ends soon" in client.get(PAGE).content.decode()
    assert "Alerts" in client.get("/admin/").content.decode()
    client.post(PAGE, {"_settle": alert.pk})
    assert "Nothing to look at" in client.get(PAGE).content.decode()
    assert client.get("/admin/knowledge/reportsettings/", follow=True).status_code == 200
