"""How much waits for a curator: the badges of the navigation, and the first lines of the overview."""

from dataclasses import dataclass

from knowledge.admin.evaluation.reading import fallen_sets
from knowledge.alerts import open_alerts
from knowledge.models import Gap, Release


@dataclass(frozen=True, slots=True)
class Waiting:
    """Numbers of what nobody has decided on; `fallen` are evaluation sets whose last run got worse."""

    releases: int
    gaps: int
    alerts: int
    fallen: int

    @property
    def any(self) -> bool:
        """Whether anything waits."""
        return bool(self.releases or self.gaps or self.alerts or self.fallen)


def waiting() -> Waiting:
    """What waits in the tenant in scope; a release that is being checked waits for nobody."""
    held = Release.objects.filter(state__in=[Release.State.HELD, Release.State.FAILED])
    gaps = Gap.objects.filter(state=Gap.State.OPEN)
    return Waiting(held.count(), gaps.count(), open_alerts().count(), fallen_sets().count())
