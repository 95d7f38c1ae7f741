# ruff: noqa: RUF001 - sentences for customers have proper apostrophes
"""How each kind of change is called, in the languages the agent speaks."""

from __future__ import annotations

from typing import NamedTuple

from agents.phrases import known_language


class ChangeTexts(NamedTuple):
    """Of one kind of change: the card's title, what will happen, the button's verb, what has happened."""

    title: str
    summary: str
    confirm: str
    done: str


CHANGES: dict[str, dict[str, ChangeTexts]] = {
    "en": {
        "cancel_order": ChangeTexts(
            "Cancel order {order}", "Cancel order {order}", "Cancel the order", "Order {order} is cancelled"
        ),
        "change_order_address": ChangeTexts(
            "Send {order} to another address",
            "Send order {order} to {address}",
            "Change the address",
            "Order {order} now goes to {address}",
        ),
        "change_order_items": ChangeTexts(
            "Change items of {order}",
            "In order {order}, swap {items}",
            "Change the items",
            "The items of order {order} are changed",
        ),
        "change_order_payment": ChangeTexts(
            "Pay {order} another way",
            "Pay {paid} for order {order} with {method} instead",
            "Change the payment",
            "{paid} for order {order} is now paid with {method}",
        ),
        "return_items": ChangeTexts(
            "Return {names}",
            "Return {names} from order {order}",
            "Confirm return",
            "The return of {names} from order {order} is recorded",
        ),
        "exchange_items": ChangeTexts(
            "Exchange {names}",
            "From order {order}, exchange {items}",
            "Confirm exchange",
            "The exchange of {names} from order {order} is recorded",
        ),
        "change_customer_address": ChangeTexts(
            "Change your address",
            "Change your address to {address}",
            "Change the address",
            "Your address is now {address}",
        ),
        "file_complaint": ChangeTexts(
            "Complaint", "File this complaint: “{text}”", "File the complaint", "Your complaint has the number {code}"
        ),
        "complaint_order": ChangeTexts(
            "Complaint about {order}",
            "File this complaint about order {order}: “{text}”",
            "File the complaint",
            "Your complaint about order {order} has the number {code}",
        ),
        "request_refund": ChangeTexts(
            "Refund for {order}",
            "Ask for a refund for order {order}",
            "Ask for the refund",
            "Your refund request for order {order} has the number {code}",
        ),
        "other": ChangeTexts("{tool}", "{tool}", "Confirm", "Done: {tool}"),
    },
    "es": {
        "cancel_order": ChangeTexts(
            "Cancelar el pedido {order}",
            "Cancelar el pedido {order}",
            "Cancelar el pedido",
            "El pedido {order} está cancelado",
        ),
        "change_order_address": ChangeTexts(
            "Enviar {order} a otra dirección",
            "Enviar el pedido {order} a {address}",
            "Cambiar la dirección",
            "El pedido {order} va ahora a {address}",
        ),
        "change_order_items": ChangeTexts(
            "Cambiar artículos de {order}",
            "En el pedido {order}, cambiar {items}",
            "Cambiar los artículos",
            "Los artículos del pedido {order} están cambiados",
        ),
        "change_order_payment": ChangeTexts(
            "Pagar {order} de otra forma",
            "Pagar {paid} del pedido {order} con {method}",
            "Cambiar el pago",
            "{paid} del pedido {order} se pagan ahora con {method}",
        ),
        "return_items": ChangeTexts(
            "Devolver {names}",
            "Devolver {names} del pedido {order}",
            "Confirmar la devolución",
            "La devolución de {names} del pedido {order} está registrada",
        ),
        "exchange_items": ChangeTexts(
            "Cambiar {names}",
            "Del pedido {order}, cambiar {items}",
            "Confirmar el cambio",
            "El cambio de {names} del pedido {order} está registrado",
        ),
        "change_customer_address": ChangeTexts(
            "Cambiar su dirección",
            "Cambiar su dirección a {address}",
            "Cambiar la dirección",
            "Su dirección es ahora {address}",
        ),
        "file_complaint": ChangeTexts(
            "Reclamación",
            "Presentar esta reclamación: «{text}»",
            "Presentar la reclamación",
            "Su reclamación tiene el número {code}",
        ),
        "complaint_order": ChangeTexts(
            "Reclamación sobre {order}",
            "Presentar esta reclamación sobre el pedido {order}: «{text}»",
            "Presentar la reclamación",
            "Su reclamación sobre el pedido {order} tiene el número {code}",
        ),
        "request_refund": ChangeTexts(
            "Reembolso de {order}",
            "Pedir un reembolso del pedido {order}",
            "Pedir el reembolso",
            "Su solicitud de reembolso del pedido {order} tiene el número {code}",
        ),
        "other": ChangeTexts("{tool}", "{tool}", "Confirmar", "Hecho: {tool}"),
    },
    "de": {
        "cancel_order": ChangeTexts(
            "Bestellung {order} stornieren",
            "Bestellung {order} stornieren",
            "Bestellung stornieren",
            "Die Bestellung {order} ist storniert",
        ),
        "change_order_address": ChangeTexts(
            "{order} an eine andere Adresse",
            "Bestellung {order} an {address} senden",
            "Adresse ändern",
            "Die Bestellung {order} geht jetzt an {address}",
        ),
        "change_order_items": ChangeTexts(
            "Artikel von {order} ändern",
            "In Bestellung {order} tauschen: {items}",
            "Artikel ändern",
            "Die Artikel der Bestellung {order} sind geändert",
        ),
        "change_order_payment": ChangeTexts(
            "{order} anders bezahlen",
            "{paid} für Bestellung {order} stattdessen über {method} bezahlen",
            "Zahlung ändern",
            "{paid} für Bestellung {order} werden jetzt über {method} bezahlt",
        ),
        "return_items": ChangeTexts(
            "Rückgabe: {names}",
            "Aus Bestellung {order} zurückgeben: {names}",
            "Rückgabe bestätigen",
            "Die Rückgabe aus Bestellung {order} ist aufgenommen: {names}",
        ),
        "exchange_items": ChangeTexts(
            "Umtausch: {names}",
            "Aus Bestellung {order} umtauschen: {items}",
            "Umtausch bestätigen",
            "Der Umtausch aus Bestellung {order} ist aufgenommen: {names}",
        ),
        "change_customer_address": ChangeTexts(
            "Ihre Adresse ändern",
            "Ihre Adresse ändern in {address}",
            "Adresse ändern",
            "Ihre Adresse ist jetzt {address}",
        ),
        "file_complaint": ChangeTexts(
            "Beschwerde",
            "Diese Beschwerde aufnehmen: „{text}“",
            "Beschwerde aufnehmen",
            "Ihre Beschwerde hat die Nummer {code}",
        ),
        "complaint_order": ChangeTexts(
            "Beschwerde zu {order}",
            "Diese Beschwerde zu Bestellung {order} aufnehmen: „{text}“",
            "Beschwerde aufnehmen",
            "Ihre Beschwerde zu Bestellung {order} hat die Nummer {code}",
        ),
        "request_refund": ChangeTexts(
            "Erstattung für {order}",
            "Eine Erstattung für Bestellung {order} beantragen",
            "Erstattung beantragen",
            "Ihr Antrag auf Erstattung für Bestellung {order} hat die Nummer {code}",
        ),
        "other": ChangeTexts("{tool}", "{tool}", "Bestätigen", "Erledigt: {tool}"),
    },
    "fr": {
        "cancel_order": ChangeTexts(
            "Annuler la commande {order}",
            "Annuler la commande {order}",
            "Annuler la commande",
            "La commande {order} est annulée",
        ),
        "change_order_address": ChangeTexts(
            "Envoyer {order} à une autre adresse",
            "Envoyer la commande {order} à {address}",
            "Changer l’adresse",
            "La commande {order} est maintenant envoyée à {address}",
        ),
        "change_order_items": ChangeTexts(
            "Modifier les articles de {order}",
            "Dans la commande {order}, échanger {items}",
            "Modifier les articles",
            "Les articles de la commande {order} sont modifiés",
        ),
        "change_order_payment": ChangeTexts(
            "Payer {order} autrement",
            "Payer {paid} pour la commande {order} avec {method}",
            "Changer le paiement",
            "{paid} pour la commande {order} sont maintenant payés avec {method}",
        ),
        "return_items": ChangeTexts(
            "Renvoyer {names}",
            "Renvoyer {names} de la commande {order}",
            "Confirmer le retour",
            "Le retour de {names} de la commande {order} est enregistré",
        ),
        "exchange_items": ChangeTexts(
            "Échanger {names}",
            "De la commande {order}, échanger {items}",
            "Confirmer l’échange",
            "L’échange de {names} de la commande {order} est enregistré",
        ),
        "change_customer_address": ChangeTexts(
            "Changer votre adresse",
            "Changer votre adresse pour {address}",
            "Changer l’adresse",
            "Votre adresse est maintenant {address}",
        ),
        "file_complaint": ChangeTexts(
            "Réclamation",
            "Déposer cette réclamation : « {text} »",
            "Déposer la réclamation",
            "Votre réclamation porte le numéro {code}",
        ),
        "complaint_order": ChangeTexts(
            "Réclamation sur {order}",
            "Déposer cette réclamation sur la commande {order} : « {text} »",
            "Déposer la réclamation",
            "Votre réclamation sur la commande {order} porte le numéro {code}",
        ),
        "request_refund": ChangeTexts(
            "Remboursement pour {order}",
            "Demander un remboursement pour la commande {order}",
            "Demander le remboursement",
            "Votre demande de remboursement pour la commande {order} porte le numéro {code}",
        ),
        "other": ChangeTexts("{tool}", "{tool}", "Confirmer", "C’est fait : {tool}"),
    },
}


def texts_of(language: str, change: str) -> ChangeTexts:
    """Return the texts of a kind of change; those of "other" where it is not known."""
    texts = CHANGES[known_language(language)]
    return texts.get(change, texts["other"])
