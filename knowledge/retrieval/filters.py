"""Which documents a search looks at. A filter narrows what is ranked, never what ranking finds of the rest."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from knowledge.queries import live_documents

FIELDS = ("language", "category", "audience", "product")


@dataclass(frozen=True, slots=True)
class Filters:
    """What documents must be; an empty string means whatever. Upper and lower case are the same.

    Attributes:
        language: such as "pt", which includes "pt-BR".
        customers: leave out documents for audiences that the tenant's chat does not answer (`SearchSettings`);
            those without an audience are for everybody.
    """

    language: str = ""
    category: str = ""
    audience: str = ""
    product: str = ""
    customers: bool = False

    def condition(self, audiences: tuple[str, ...] = ()) -> Q:
        """What a document must fulfil; empty where all do.

        Args:
            audiences: those that customers belong to; none: all of them.
        """
        wanted = Q()
        for name in FIELDS:
            if value := getattr(self, name).strip():
                regional = Q(language__istartswith=f"{value}-") if name == "language" else Q()
                wanted &= Q(**{f"{name}__iexact": value}) | regional
        if self.customers and audiences:
            wanted &= _for_one_of(audiences)
        return wanted


FOR_CUSTOMERS = Filters(customers=True)


def matching_documents(condition: Q) -> list[int]:
    """The ids of the live documents that fulfil a condition; needs a tenant scope."""
    return list(live_documents().filter(condition).values_list("pk", flat=True))


def _for_one_of(audiences: tuple[str, ...]) -> Q:
    wanted = Q(audience="")
    for audience in audiences:
        wanted |= Q(audience__iexact=audience)
    return wanted
