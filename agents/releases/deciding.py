"""What people do about a release: bring it live all the same, withdraw it, have it checked again. Needs the scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.releases.checking import go_live
from knowledge import publishing, releasing
from knowledge.models import DocumentVersion, Release
from tenants.services import record_audit

if TYPE_CHECKING:
    from collections.abc import Collection


def release_anyway(*, release: Release, actor: str) -> bool:
    """Bring a change live that waits, whatever its questions say; whether it is live now."""
    locked = _undecided(release, Release.UNDECIDED)
    if locked is None:
        return False
    return go_live(locked, actor=actor, reasons=list(locked.reasons))


def withdraw(*, release: Release, actor: str) -> bool:
    """Give a change up: versions of documents that wait are dropped, everything else stays as it is."""
    locked = _undecided(release, Release.UNDECIDED)
    if locked is None:
        return False
    if "restore" not in locked.change:
        waiting = [version.pk for version in releasing.still_to_come(locked)]
        publishing.drop_waiting(waiting, DocumentVersion.State.WITHDRAWN)
    locked.state, locked.decided_by = Release.State.WITHDRAWN, actor[:150]
    locked.save(update_fields=["state", "decided_by", "changed_at"])
    releasing.end_runs(locked)
    record_audit(actor=actor, action="release.withdrawn", target=locked.label)
    return True


def check_again(*, release: Release, actor: str) -> bool:
    """Ask the questions of a change that waits once more, of both sides."""
    locked = _undecided(release, (Release.State.HELD, Release.State.FAILED))
    if locked is None:
        return False
    locked.state, locked.reasons, locked.basis, locked.rounds = Release.State.CHECKING, [], "", 0
    locked.baseline = locked.candidate = None
    locked.save(update_fields=["state", "reasons", "basis", "rounds", "baseline", "candidate", "changed_at"])
    record_audit(actor=actor, action="release.checked_again", target=locked.label)
    releasing.enqueue_check(locked)
    return True


def _undecided(release: Release, states: Collection[str]) -> Release | None:
    found: Release | None = Release.objects.filter(pk=release.pk, state__in=states).select_for_update().first()
    return found
