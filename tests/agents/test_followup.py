import pytest

from agents.followup import carry_topic, find_topic, is_dependent

X1 = "How long does the battery of the X1 laptop last?"
REWRITTEN = [
    (
        "How long does the X1 battery last?",
        "and how long does it take to charge?",
        "How long does the X1 battery take to charge?",
    ),
    (X1, "And how much does it cost?", "How much does the X1 cost?"),
    (X1, "What about the UltraBook 13?", "How long does the battery of the UltraBook 13 laptop last?"),
    (X1, "and the G1?", "How long does the battery of the G1 laptop last?"),
    (X1, "what about the warranty?", "The warranty (X1)?"),
    ("Does the X1 support USB-C?", "And HDMI?", "HDMI (X1)?"),
    ("How much is the SmartPhone Pro 12?", "What are its features?", "What are the SmartPhone Pro 12's features?"),
    ("How much is the SmartPhone Pro 12?", "Does it support NFC?", "Does the SmartPhone Pro 12 support NFC?"),
    ("Is the SmartPhone Pro 12 waterproof?", "Does it charge fast?", "Does the SmartPhone Pro 12 charge fast?"),
    ("How much is the X1?", "Does this laptop have NFC?", "Does the X1 laptop have NFC?"),
    ("What is your return policy?", "Does it cover opened items?", "Does the return policy cover opened items?"),
    (
        "What does standard delivery cost?",
        "How many days does it take?",
        "How many days does the standard delivery take?",
    ),
    (
        "Can I return an opened laptop?",
        "And when do I get the money?",
        "When do I get the money (return opened laptop)?",
    ),
    ("Which power bank fits the X1?", "May I take it on a plane?", "May I take the power bank for the X1 on a plane?"),
]


@pytest.mark.parametrize(("first", "second", "expected"), REWRITTEN)
def test_carries_the_topic_over(first, second, expected):
    assert is_dependent(second, "en")
    assert carry_topic(second, [first], "", "en") == expected


@pytest.mark.parametrize(
    "question",
    [
        "What is your return policy?",
        "Do you ship to Spain?",
        "How long does it take to get a refund?",
        "Is it possible to return opened items?",
        "How long do the Wireless Earbuds Pro last?",
        "How much is the G1 and does it have Bluetooth?",
        "That's great. How do I cancel an order?",
        "How do I prove that I am a student?",
    ],
)
def test_a_question_that_stands_alone_is_left_alone(question):
    assert not is_dependent(question, "en")


@pytest.mark.parametrize(
    ("language", "first", "second", "topic"),
    [
        ("es", "¿Cuánto dura la batería del portátil X1?", "¿y cuánto tarda en cargarse?", "batería portátil X1"),
        ("de", "Wie lange hält der Akku des X1?", "und wie lange lädt er?", "Akku X1"),
        ("fr", "Combien de temps dure la batterie du X1 ?", "et combien coûte-t-il ?", "batterie X1"),
        ("de-CH", "Wie lange hält der Akku des X1?", "Und das Gewicht?", "Akku X1"),
    ],
)
def test_other_languages_append_the_topic(language, first, second, topic):
    assert is_dependent(second, language)
    assert topic in carry_topic(second, [first], "", language)


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("es", "¿Cuál es su política de devoluciones?"),
        ("de", "Welche Zahlungsarten akzeptieren Sie?"),
        ("de", "Gibt es eine Garantie auf Kopfhörer?"),
        ("fr", "Est-ce que vous livrez en Espagne ?"),
        ("fr", "Y a-t-il une garantie pour les écouteurs ?"),
    ],
)
def test_politeness_is_no_reference(language, question):
    assert not is_dependent(question, language)


def test_a_chain_of_followups_keeps_its_topic():
    asked = [X1, "and how long does it take to charge?"]
    assert carry_topic("Is it covered by the warranty?", asked, "", "en") == "Is the X1 covered by the warranty?"


def test_a_name_in_the_answer_counts_when_the_question_asked_for_one():
    asked = ["Which laptop is best for gaming?"]
    reply = "The Gaming Laptop G1 has a Core i9."
    assert carry_topic("How much does it cost?", asked, reply, "en") == "How much does the Gaming Laptop G1 cost?"


def test_nothing_to_carry_leaves_the_question():
    assert carry_topic("and it?", ["What is it?"], "", "en") == "and it?"
    assert carry_topic("and it?", [], "", "en") == "and it?"


@pytest.mark.parametrize("question", ["", "?", "🙂", "AND", "it " * 500])
def test_odd_questions_do_not_break(question):
    is_dependent(question, "en")
    assert isinstance(carry_topic(question, [question], question, "en"), str)
    assert find_topic(question) is not None
