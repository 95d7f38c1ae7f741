# ruff: noqa: E501, RUF001 - the labels of a language stay on few lines, with proper apostrophes
"""Names of states and measures as customers read them on cards, in the languages the agent speaks."""

from __future__ import annotations

import datetime as dt

from django.utils import formats, timezone, translation

from agents.phrases import known_language

LABELS: dict[str, dict[str, str]] = {
    "en": {
        "pending": "Pending", "pending (item modified)": "Pending, items changed", "processed": "Processed",
        "delivered": "Delivered", "cancelled": "Cancelled", "return requested": "Return requested",
        "exchange requested": "Exchange requested", "ordered": "Ordered", "packed": "Packed", "in_transit": "In transit",
        "out_for_delivery": "Out for delivery", "returned": "Returned to sender", "price": "Price", "rating": "Rating",
        "warranty": "Warranty", "available": "Availability", "yes": "In stock", "no": "Out of stock",
        "months": "{n} months", "month": "1 month", "expected": "expected {day}",
    },
    "es": {
        "pending": "Pendiente", "pending (item modified)": "Pendiente, artículos cambiados", "processed": "Preparado",
        "delivered": "Entregado", "cancelled": "Cancelado", "return requested": "Devolución solicitada",
        "exchange requested": "Cambio solicitado", "ordered": "Pedido", "packed": "Empaquetado", "in_transit": "En camino",
        "out_for_delivery": "En reparto", "returned": "Devuelto al remitente", "price": "Precio", "rating": "Valoración",
        "warranty": "Garantía", "available": "Disponibilidad", "yes": "En existencias", "no": "Agotado",
        "months": "{n} meses", "month": "1 mes", "expected": "previsto el {day}",
    },
    "de": {
        "pending": "In Bearbeitung", "pending (item modified)": "In Bearbeitung, Artikel geändert", "processed": "Bearbeitet",
        "delivered": "Zugestellt", "cancelled": "Storniert", "return requested": "Rückgabe beantragt",
        "exchange requested": "Umtausch beantragt", "ordered": "Bestellt", "packed": "Verpackt", "in_transit": "Unterwegs",
        "out_for_delivery": "In Zustellung", "returned": "Zurück an den Absender", "price": "Preis", "rating": "Bewertung",
        "warranty": "Garantie", "available": "Verfügbarkeit", "yes": "Auf Lager", "no": "Nicht auf Lager",
        "months": "{n} Monate", "month": "1 Monat", "expected": "erwartet am {day}",
    },
    "fr": {
        "pending": "En attente", "pending (item modified)": "En attente, articles modifiés", "processed": "Préparée",
        "delivered": "Livrée", "cancelled": "Annulée", "return requested": "Retour demandé",
        "exchange requested": "Échange demandé", "ordered": "Commandée", "packed": "Emballée", "in_transit": "En route",
        "out_for_delivery": "En cours de livraison", "returned": "Retournée à l’expéditeur", "price": "Prix", "rating": "Note",
        "warranty": "Garantie", "available": "Disponibilité", "yes": "En stock", "no": "En rupture de stock",
        "months": "{n} mois", "month": "1 mois", "expected": "prévue le {day}",
    },
}  # fmt: skip


def label(language: str, key: str, **values: object) -> str:
    """Return a label with its values filled in; a state that has none is shown as the shop calls it."""
    known = LABELS[known_language(language)]
    return known[key].format(**values) if key in known else key.replace("_", " ").capitalize()


def written_day(language: str, day: dt.date | None) -> str:
    """Return a day as the language writes it, "10 Feb 2026"; empty for None."""
    if day is None:
        return ""
    if isinstance(day, dt.datetime):
        day = timezone.localtime(day).date()
    with translation.override(known_language(language)):
        return formats.date_format(day, "DATE_FORMAT")


def written_months(language: str, months: int) -> str:
    """Return a number of months, "24 months"."""
    return label(language, "month") if months == 1 else label(language, "months", n=months)
