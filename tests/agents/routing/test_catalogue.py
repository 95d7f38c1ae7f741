import pytest

from agents.routing.catalogue import Catalogue, NamedProduct
from agents.routing.entities import Taken
from agents.routing.spelling import NearWords, edit_distance

pytestmark = pytest.mark.unit


def codes(catalogue, text):
    return [entity.value for entity in sorted(catalogue.find(text, Taken(text)), key=lambda entity: entity.start)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("How much is the SmartPhone Pro 12?", ["SPP-12"]),
        ("smart phone pro 12", ["SPP-12"]),
        ("smratphone pro 12", ["SPP-12"]),
        ("smartphonepro 12", ["SPP-12"]),
        ("is the pro 12 good", ["SPP-12"]),
        ("spp12", ["SPP-12"]),
        ("smartphone pro 13", []),
        ("smartphone 11 or smartphone pro 12", ["SP-11", "SPP-12"]),
        ("wireles earbuds pro", ["WEP"]),
        ("wireless earbuds", ["WE"]),
        ("wh 1000xm4", ["SON"]),
        ("WH-1000XM4", ["SON"]),
        ("my bagpack", ["BAG"]),
        ("the powerbank", ["BP"]),
        ("phone case for the smartphone pro 12", ["PC", "SPP-12"]),
        ("in that case, are you a pro?", []),
        ("Pro", []),
        ("battery life of the phone", []),
        ("where is my order", []),
        ("", []),
    ],
)
def test_products(catalogue, text, values):
    assert codes(catalogue, text) == values


def test_an_entity_says_where_and_what(catalogue):
    text = "Return the wireles earbuds pro please"
    (found,) = catalogue.find(text, Taken(text))
    assert (found.text, found.label, found.kind) == ("wireles earbuds pro", "Wireless Earbuds Pro", "product")
    assert text[found.start : found.end] == found.text
    assert 0.7 < found.score < 1


def test_two_products_of_one_name_are_both_named_with_half_the_score():
    catalogue = Catalogue([NamedProduct("A", "Oak Table"), NamedProduct("B", "Oak Table"), NamedProduct("C", "Sofa")])
    text = "the oak table"
    assert {(entity.value, entity.score) for entity in catalogue.find(text, Taken(text))} == {("A", 0.5), ("B", 0.5)}


def test_a_code_of_two_products_is_of_neither():
    catalogue = Catalogue([NamedProduct("A-100", "Alpha"), NamedProduct("A100", "Omega")])
    assert codes(catalogue, "a100") == []


def test_an_empty_catalogue_finds_nothing():
    catalogue = Catalogue([])
    assert len(catalogue) == 0
    assert codes(catalogue, "smartphone pro 12") == []


def test_names_of_signs_alone_do_no_harm():
    catalogue = Catalogue([NamedProduct("A", "***"), NamedProduct("B", ""), NamedProduct("C", "Zephyr Lamp", ("",))])
    assert codes(catalogue, "zephyr lamp") == ["C"]


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("lamp", "lamp", 0),
        ("lamp", "lmap", 1),
        ("lamp", "lamps", 1),
        ("lamp", "camp", 1),
        ("lamp", "sofa", 3),
        ("", "ab", 2),
    ],
)
def test_edit_distance(first, second, distance):
    assert edit_distance(first, second, 2) == distance


def test_near_words():
    near = NearWords(["earbuds", "wireless", "lamp", "x100", "earbud"])
    assert [number for number, _ in near.find("earbds")] == [0]
    assert near.find("x1000") == ()
    assert near.find("la") == ()
    assert near.find("zzzzzz") == ()
