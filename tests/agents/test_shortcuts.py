import pytest

from agents.routing.shortcuts import Shortcut, find_shortcut


@pytest.mark.parametrize(
    ("question", "kind", "language"),
    [
        ("Hi!", "greeting", "en"),
        ("hello there, how are you?", "greeting", "en"),
        ("Thanks a lot, that helps!", "thanks", "en"),
        ("ok", "thanks", "en"),
        ("bye bye", "goodbye", "en"),
        ("¡Hola!", "greeting", "es"),
        ("muchas gracias", "thanks", "es"),
        ("Guten Tag", "greeting", "de"),
        ("vielen Dank für Ihre Hilfe!", "thanks", "de"),
        ("Bonjour", "greeting", "fr"),
        ("merci beaucoup", "thanks", "fr"),
        ("I want to talk to a person", "handover", "en"),
        ("Can I speak with a real human being please?", "handover", "en"),
        ("human please", "handover", "en"),
        ("Please connect me to customer service", "handover", "en"),
        ("pass me on", "handover", "en"),
        ("Quiero hablar con una persona", "handover", "es"),
        ("Ich möchte mit einem Menschen sprechen", "handover", "de"),
        ("Kann ich mit jemandem vom Kundendienst reden?", "handover", "de"),
        ("Je voudrais parler à un conseiller", "handover", "fr"),
        ("???", "unclear", "en"),
        ("👍", "unclear", "en"),
    ],
)
def test_recognises(question, kind, language):
    assert find_shortcut(question, "en") == Shortcut(kind, language)


@pytest.mark.parametrize(
    "question",
    [
        "Hi, how long does the battery last?",
        "How many people work at TechPro?",
        "Can a third person drive the car?",
        "I do not want to talk to a person",
        "Thanks, and what about the warranty?",
        "What is a human resource agent?",
        "Hello " * 100,
    ],
)
def test_everything_else_is_looked_up(question):
    assert find_shortcut(question, "en") is None


def test_the_tenants_language_comes_first():
    assert find_shortcut("Hi", "de") == Shortcut("greeting", "de")
    assert find_shortcut("Hi", "pt") == Shortcut("greeting", "en")
