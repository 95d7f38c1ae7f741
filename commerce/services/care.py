"""Complaints, from the customer's words to their end."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from commerce.models import Complaint, Customer, Order
from commerce.models.care import ComplaintKind, ComplaintStatus, Severity, Wanted
from commerce.money import ZERO
from commerce.records import DEFAULT_CURRENCY, complaint_record
from commerce.services.changes import Change, run_once
from commerce.services.errors import CommerceError, NotFound
from commerce.services.items import lines_of_items, pieces_of
from commerce.services.numbering import next_code
from commerce.services.severity import severity_of
from tenants.services import record_audit

MAX_TEXT = 5000  # characters


def file_complaint(  # noqa: PLR0913 (what a complaint holds, by name)
    *,
    customer: Customer,
    text: str,
    actor: str,
    order: Order | None = None,
    item_codes: Sequence[str] = (),
    kind: str = ComplaintKind.OTHER,
    severity: str | None = None,
    wanted: str = "",
    key: str = "",
) -> Change:
    """Takes a complaint down; `detail["code"]` is its number. Without a severity it follows from what is said.

    Args:
        customer: who complains.
        text: in their words.
        actor: for the audit trail.
        order: one of theirs, or None.
        item_codes: items of that order.
        kind: one of ComplaintKind.
        severity: one of Severity, or None.
        wanted: one of Wanted, or empty.
        key: see `run_once`.

    Raises:
        NotFound: the order is not theirs, or an item is not in it.
        CommerceError: bad_complaint when the text is empty or too long, or a choice is none of its kind.
    """
    _check(text, kind, severity, wanted)

    def change() -> Change:
        return _file(
            Complaint(
                customer=customer,
                order=order,
                items=list(item_codes),
                kind=kind,
                severity=severity or "",
                text=text.replace("\0", "").strip(),
                wanted=wanted,
            ),
            actor,
        )

    return run_once(name="file_complaint", customer=customer, key=key, change=change)


def _check(text: str, kind: str, severity: str | None, wanted: str) -> None:
    if not text.replace("\0", "").strip() or len(text) > MAX_TEXT:
        raise CommerceError("bad_complaint", f"Say in at most {MAX_TEXT} characters what is wrong.")
    for value, choices in ((kind, ComplaintKind), (severity or Severity.LOW, Severity), (wanted, Wanted)):
        if value and value not in choices.values:
            raise CommerceError("bad_complaint", f"“{value[:40]}” is none of: {', '.join(choices.values)}.")


def _file(complaint: Complaint, actor: str) -> Change:
    customer, order = complaint.customer, complaint.order
    if order is not None and order.customer_id != customer.pk:
        raise NotFound(f"Order {order.code} was not found.")
    if complaint.items and order is None:
        raise NotFound("Items can only be named together with their order.")
    pieces = pieces_of(order, complaint.items) if order and complaint.items else []
    about = pieces or (list(order.items.all()) if order else [])
    kind = ComplaintKind(complaint.kind)
    complaint.code = next_code(Complaint, "CMP")
    complaint.severity = complaint.severity or severity_of(
        customer=customer, order=order, items=about, kind=kind, text=complaint.text
    )
    complaint.created_at = timezone.now()
    complaint.save()
    record_audit(
        actor=actor, action="complaint.filed", target=complaint.code, detail={"severity": str(complaint.severity)}
    )
    return Change(
        name="file_complaint",
        order=order.code if order else "",
        lines=lines_of_items(pieces),
        amount=ZERO,
        currency=order.currency if order else DEFAULT_CURRENCY,
        method=None,
        result=complaint_record(complaint),
        detail={"code": complaint.code, "severity": str(complaint.severity)},
    )


@transaction.atomic
def set_complaint_status(
    *, complaint: Complaint, status: ComplaintStatus, actor: str, resolution: str = ""
) -> Complaint:
    """Takes a complaint in hand, resolves it with a word to the customer, or opens it again; returns the row.

    Raises:
        CommerceError: no_resolution when it is to be resolved without a word.
    """
    if status == ComplaintStatus.RESOLVED and not resolution.strip():
        raise CommerceError("no_resolution", "Write how the complaint was resolved.")
    row: Complaint = Complaint.objects.select_for_update().get(pk=complaint.pk)
    row.status = status
    row.resolution = resolution.strip() or row.resolution
    row.resolved_at = timezone.now() if status == ComplaintStatus.RESOLVED else None
    row.save(update_fields=["status", "resolution", "resolved_at"])
    record_audit(actor=actor, action=f"complaint.{status}", target=row.code)
    return row


def resolve_complaint(*, complaint: Complaint, resolution: str, actor: str) -> Complaint:
    """Ends a complaint with a word to the customer; see `set_complaint_status`."""
    return set_complaint_status(
        complaint=complaint, status=ComplaintStatus.RESOLVED, actor=actor, resolution=resolution
    )


def find_complaint(customer: Customer, code: str) -> Complaint:
    """The customer's complaint of this number, in whatever case; raises NotFound."""
    found: Complaint | None = Complaint.objects.filter(
        customer=customer, code__iexact=code.replace("\0", "").strip()
    ).first()
    if found is None:
        raise NotFound(f"Complaint {code[:80]} was not found.")
    return found
