# ruff: noqa: E501 - tables of cases stay on few lines
"""Which questions may share an answer: what a near miss gets wrong keeps it apart."""

import pytest

from agents.cache.comparison import contradiction
from agents.cache.features import read_features
from agents.cache.likeness import left_out
from agents.cache.mirror import features_of


def left(one, other, language="en"):
    return left_out(read_features(one, language), read_features(other, language))


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("How long does a refund take?", "when do I get my money back", "en"),
        ("How do I unsubscribe from the newsletter?", "cancel newsletter?", "en"),
        ("Are returns free within two weeks?", "are returns free within 14 days", "en"),
        ("How long does standard delivery take?", "how long for standart delivery", "en"),
        ("¿Cómo bloqueo mi tarjeta de débito?", "bloquear tarjeta de débito", "es"),
        ("Wie sperre ich meine Girokarte?", "wo kann ich meine Girokarte sperren", "de"),
        ("Comment annuler ma commande ?", "annulation de commande, comment faire", "fr"),
    ],
)
def test_the_same_question_in_other_words(one, other, language):
    assert left(one, other, language) == 0
    assert left(other, one, language) == 0


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("What is the warranty on the Aurora X2?", "What is the warranty on the Aurora X3?", "names"),
        ("Are returns free within 30 days?", "Are returns free within 60 days?", "numbers"),
        ("Are returns free within 30 days?", "Are returns free within 30 hours?", "numbers"),
        ("Do you deliver on Saturdays?", "Do you deliver on Mondays?", "dates"),
        ("Does the ferry run in January?", "Does the ferry run in June?", "dates"),
        ("Can I return worn shoes?", "Can I not return worn shoes?", "negation"),
        ("Can I travel with insurance?", "Can I travel without insurance?", "negation"),
        ("Do you ship to Canada?", "Do you ship from Canada?", "direction"),
        ("How do I get from the airport to the hotel?", "How do I get from the hotel to the airport?", "direction"),
        ("How long does express delivery take?", "How much does express delivery cost?", "question"),
        ("How do I use a discount code?", "How do I get a discount code?", "question"),
        ("Can I book a room for 3 adults?", "Can I book 3 rooms for adults?", "counts"),
        ("Does version 3.2 support Python 3.12?", "Does version 3.12 support Python 3.2?", "counts"),
    ],
)
def test_what_contradicts_keeps_apart(one, other, why):
    assert contradiction(read_features(one, "en"), read_features(other, "en")) == why


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I block my card?", "How do I unblock my card?"),
        ("What does the Pro plan cost?", "What does the Basic plan cost?"),
        ("Is there a student discount?", "Is there a senior discount?"),
        ("Can I cancel free of charge until 24 hours before arrival?", "Can I cancel free of charge until 24 hours after arrival?"),
        ("Do children under 2 fly for free?", "Do children over 2 fly for free?"),
        ("How many points do I get for one night?", "How many points do I need for one night?"),
        ("Do you sell spare parts for the Moka grinder?", "Do you sell spare parts for the Moka kettle?"),
    ],
)  # fmt: skip
def test_another_thing_is_another_question(one, other):
    assert left(one, other) is None


def test_the_language_is_part_of_the_question():
    spanish = read_features("¿Cómo cambio mi PIN?", "en")
    assert spanish.language == "es"
    assert contradiction(read_features("How do I change my PIN?", "en"), spanish) == "language"


def test_a_language_that_is_not_read_has_no_features():
    assert read_features("Jak zmienić PIN?", "pl") is None
    assert read_features("word " * 100, "en") is None


def test_features_survive_their_record():
    read = read_features("How do I get from the airport to the hotel in 30 minutes without a car on Monday?", "en")
    assert features_of(read.as_json()) == read


def test_today_is_relative():
    assert read_features("Are you open today?", "en").relative
    assert not read_features("Are you open on Sundays?", "en").relative
