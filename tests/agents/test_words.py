import pytest

from agents.words import content_words, stem


@pytest.mark.parametrize(
    ("one", "other"),
    [("shipping", "ship"), ("policies", "policy"), ("laptops", "laptop"), ("selling", "sell"), ("repaired", "repair")],
)
def test_forms_of_a_word_share_a_stem(one, other):
    assert stem(one) == stem(other)


def test_compounds_are_also_one_word():
    assert content_words("Wi-Fi") >= content_words("wifi")
    assert content_words("e-mail") >= content_words("email")


def test_function_words_carry_no_meaning():
    assert content_words("What is it about?") == frozenset()
