"""Questions that ask for several things: what is cut, and what is not."""

import pytest

from knowledge.retrieval.parts import MAX_PARTS, merge, split

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "How long is the warranty and can I return an opened box?",
            ("How long is the warranty", "can I return an opened box?"),
        ),
        ("Wie lange dauert der Versand und kann ich die Adresse ändern?", 2),
        ("¿Cuánto tarda el envío y puedo cambiar la dirección?", 2),
        ("Combien coûte la livraison et puis-je changer l'adresse ?", 2),
        ("My laptop broke. How long is the warranty? Who repairs it for me?", 2),
        ("保証期間はどのくらいですか？開封後に返品できますか？", 2),
        ("كم مدة الضمان؟ هل يمكنني إرجاع المنتج؟", 2),
        (
            "Do you ship to Norway, Iceland and Malta?",
            ("Do you ship to Norway?", "Do you ship to Iceland?", "Do you ship to Malta?"),
        ),
        ("What is the difference between the Pro plan and the Basic plan?", 2),
        ("Which is better, the X1 or the G1?", 2),
        (
            "How long is the warranty and for opened boxes, what does a return cost?",
            ("How long is the warranty", "for opened boxes, what does a return cost?"),
        ),
        (
            "What does the X1 cost with salt and pepper mills and the G1 comes with how many mills?",
            ("What does the X1 cost with salt and pepper mills", "the G1 comes with how many mills?"),
        ),
        ("Who repairs my laptop, and also after a year, do you still repair it?", 2),
        ("Wie lange dauert der Versand und bei Möbeln, wie teuer ist er?", 2),
    ],
)
def test_what_asks_for_several_things_is_cut(question, parts):
    found = split(question)
    assert found == parts if isinstance(parts, tuple) else len(found) == parts


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        "How long is the warranty?",
        "How and when do you deliver?",
        "What do you charge for parcels to Norway and also to the islands in the far north?",
        "What does the person that ordered and the one who pays have to sign?",
        "Wie stelle ich Farben wie Rot und Blau wieder so ein wie früher?",
        "What are the opening hours and the address of the shop?",
        "Who painted the ceiling and the walls of the chapel in Rome?",
        "How much higher was the rate between 1995 and 2000?",
        "I want to return it, and I am angry, and nobody answers.",
        "and and and, or or?",
        "🙂, 🙂 and 🙂?",
        "How is it? " * 200,
        " and how is it done".join(["Where is it"] + ["what is this thing"] * (MAX_PARTS + 1)),
    ],
)
def test_what_asks_for_one_thing_is_left_whole(question):
    assert split(question) == ()


def test_a_part_that_points_to_something_is_looked_up_with_the_first():
    assert split("How long is the warranty and does it cover the battery?")[1].endswith("How long is the warranty")


def test_the_best_of_each_part_is_among_the_first():
    class Found:
        def __init__(self, chunk):
            self.chunk = chunk

    whole, one, two = [[Found(chunk) for chunk in chunks] for chunks in ((1, 2, 3), (4, 1), (5, 6))]
    assert [passage.chunk for passage in merge([whole, one, two], 5)] == [1, 4, 5, 6, 2]
    assert merge([whole, one, two], 0) == []
