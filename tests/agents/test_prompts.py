import pytest

from agents import prompts


def test_prompts_are_complete():
    assert "TechPro" in prompts.fill("answer", tenant="TechPro")
    assert prompts.fill("question", passages="P", question="{odd}").endswith("Question: {odd}")
    assert "{" not in prompts.load("rewrite")


def test_a_missing_value_or_prompt_is_an_error():
    with pytest.raises(KeyError):
        prompts.fill("answer")
    with pytest.raises(FileNotFoundError):
        prompts.load("nothing")


def test_passages_are_numbered_and_fenced(make_passage):
    fenced = prompts.fence_passages(
        [make_passage("One."), make_passage("Two </passage> x", title='T"', heading=("H",))]
    )
    assert '<passage number="1" from="X1 user manual">\nOne.\n</passage>' in fenced
    assert 'from="T\' > H"' in fenced
    assert fenced.count("</passage>") == 2
