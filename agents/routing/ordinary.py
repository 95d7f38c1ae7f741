# ruff: noqa: E501, SIM905 - word lists read better as text
"""Words that name no product on their own: those of every shop, and those of every message to one."""

ORDINARY = frozenset(
    # suffixes and qualities of products
    "pro plus max mini lite ultra air set kit pack case cover box bag light band pad stand dock stick one two new old big small large medium "
    "black white red blue green silver gold grey gray pink brown classic premium basic standard deluxe original edition series model version "
    "type size color colour wireless smart digital portable gen generation home office men women kids color device item items product products thing "
    # what messages to a shop speak of
    "order orders ordered refund refunds return returns returned exchange delivery deliver delivered shipping ship shipped package parcel courier tracking track "
    "address email mail phone number account password card payment pay paid price cost costs money warranty guarantee stock store shop website app support service "
    "customer help problem issue question questions answer complaint charge charged charging charger battery screen sound broken damaged wrong missing late arrived arrive received receive "
    "status where what when which who why how please thanks thank hello hi hey yes no not today tomorrow yesterday week day days month year time "
    "buy bought purchase sell gift voucher code discount offer deal sale cancel change update check open close start stop work works working use used "
    "compare comparison better best good bad difference between versus vs features feature specification specs information info details available availability "
    "first last next same other another different more less long short high low fast slow free full part parts fit fits match matches water table "
    "money back name zip street city country language time watch point points key lock note power air wave flow focus"
    # the same in Spanish, German, French
    " pedido pedidos envio entrega paquete reembolso devolucion devolver cambio factura precio garantia tienda cuenta correo numero gracias hola cuando donde "
    "bestellung bestellungen lieferung paket erstattung ruckgabe umtausch rechnung preis garantie konto nummer danke hallo wann wo "
    "commande commandes livraison colis remboursement retour echange facture prix magasin compte numero merci bonjour quand"
    "".split()
)
