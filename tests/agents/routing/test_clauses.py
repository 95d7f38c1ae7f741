import pytest

from agents.routing.clauses import split_clauses

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "language", "clauses"),
    [
        ("Where is my order and how do I return the shoes?", "en", ["Where is my order", "how do I return the shoes?"]),
        ("Hi there! Is it in stock? Thanks", "en", ["Is it in stock?"]),
        ("Hello, I want a refund", "en", ["I want a refund"]),
        ("black and white shirts", "en", ["black and white shirts"]),
        ("If it does not fit, can I return it?", "en", ["If it does not fit, can I return it?"]),
        ("track my parcel; also cancel order 1002", "en", ["track my parcel", "cancel order 1002"]),
        (
            "¿Dónde está mi pedido y cuándo llega el paquete?",
            "es",
            ["¿Dónde está mi pedido", "cuándo llega el paquete?"],
        ),
        ("Hola. Quiero un reembolso, gracias", "es", ["Quiero un reembolso, gracias"]),
        (
            "Wo ist mein Paket und wie kann ich es umtauschen?",
            "de",
            ["Wo ist mein Paket", "wie kann ich es umtauschen?"],
        ),
        ("Où est mon colis et comment le retourner ?", "fr", ["Où est mon colis", "comment le retourner ?"]),
        ("Good morning!", "en", []),
        ("", "en", []),
    ],
)
def test_splitting(text, language, clauses):
    found = split_clauses(text, language)
    assert [clause.text for clause in found] == clauses
    assert [text[clause.start : clause.end].strip() for clause in found] == clauses


def test_a_long_message_has_a_bounded_number_of_clauses():
    assert len(split_clauses("Where is my order? " * 200, "en")) == 12
