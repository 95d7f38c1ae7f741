"""Answers that are plainly good and plainly bad, for measures to tell apart."""

from knowledge.embedding.base import PassageInput, get_embedder
from knowledge.retrieval.search import Passage
from knowledge.sentences import split_sentences

TEXTS = {
    "battery": "The battery of the X1 lasts 12 hours in the office. With video calls it lasts about 7 hours. "
    "It charges to 80 % in 50 minutes.",
    "returns": "You have 30 days to return a product. Opened boxes are accepted. "
    "The refund is paid within 5 working days.",
    "shipping": "Parcels are sent on the same day when ordered before 3 pm. Express delivery costs $12. "
    "Islands take up to a week.",
    "warranty": "Every laptop has a warranty of two years. It covers faults of material, but not broken screens.",
}

#: Question, what a good answer says, the passage that holds it, and answers: good, wrong, off the point, invented.
EXAMPLES = [
    (
        "How long does the battery last?",
        "12 hours in the office",
        "battery",
        {
            "good": "The X1 battery lasts 12 hours in the office.",
            "wrong": "The X1 battery lasts 20 hours in the office.",
            "off": "Parcels are sent on the same day when ordered before 3 pm.",
            "invented": "The battery can be swapped by hand and is made of graphene.",
        },
    ),
    (
        "How many days do I have to return something?",
        "30 days",
        "returns",
        {
            "good": "You can return a product within 30 days.",
            "wrong": "You have 14 days to return a product.",
            "off": "Every laptop has a warranty of two years.",
            "invented": "A manager decides about each return by telephone.",
        },
    ),
    (
        "What does express delivery cost?",
        "It costs $12.",
        "shipping",
        {
            "good": "Express delivery costs $12.",
            "wrong": "Express delivery is free of charge.",
            "off": "Opened boxes are accepted.",
            "invented": "Couriers ride bicycles and wear green shirts.",
        },
    ),
    (
        "Does the warranty cover a broken screen?",
        "No, broken screens are not covered.",
        "warranty",
        {
            "good": "No. The warranty covers faults of material but not broken screens.",
            "wrong": "Yes, the warranty covers broken screens.",
            "off": "It charges to 80 % in 50 minutes.",
            "invented": "Screens are replaced for free by our partners in Berlin.",
        },
    ),
    (
        "When do I get my money back?",
        "The refund is paid within 5 working days.",
        "returns",
        {
            "good": "The refund is paid back within 5 working days.",
            "wrong": "The refund is paid back within 5 weeks.",
            "off": "Express delivery costs $12.",
            "invented": "Money is sent as a cheque by the finance department.",
        },
    ),
    (
        "How fast does the X1 charge?",
        "To 80 % in 50 minutes",
        "battery",
        {
            "good": "It charges to 80 % in 50 minutes.",
            "wrong": "It charges to 80 % in 20 minutes.",
            "off": "Islands take up to a week.",
            "invented": "Charging needs a wall box that an electrician installs.",
        },
    ),
]


def passages() -> dict[str, Passage]:
    """The texts as a search would give them, with the vectors of the real embedder."""
    found = {}
    for number, (name, text) in enumerate(TEXTS.items()):
        sentences = tuple(split_sentences(text))
        encoding = get_embedder().encode_passages([PassageInput(name, text, sentences)])[0]
        found[name] = Passage(
            chunk=number,
            document=name,
            document_id=number,
            title=name,
            url="",
            heading_path=(),
            page=None,
            text=text,
            start=0,
            end=len(text),
            score=1.0,
            scores={},
            sentences=sentences,
            tokens=encoding.tokens,
            token_ids=encoding.token_ids,
            token_sentences=encoding.token_sentences,
            sentence_vectors=encoding.sentences,
            context=text,
        )
    return found
