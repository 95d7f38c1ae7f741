from agents.extraction.units import find_units
from knowledge.sentences import split_sentences

TEXT = """# Power

The X1 charges by USB-C. It is full
in two hours. You need:

- the 65 W charger
- a cable
  that fits

Then:

1. Plug it in.

2. Wait.

| Device | Battery | Weight |
| --- | --- | --- |
| X1 | 12 hours | 1.38 kg |
| G1 | 5 hours | 2.45 kg |

```
code | is | left
```
"""


def units_of(text):
    return [(unit.kind, text[unit.start : unit.end], unit) for unit in find_units(text, split_sentences(text))]


def test_sentences_items_and_rows_are_units_in_reading_order():
    assert [(kind, " ".join(text.split())) for kind, text, _ in units_of(TEXT)] == [
        ("prose", "The X1 charges by USB-C."),
        ("prose", "It is full in two hours."),
        ("prose", "You need:"),
        ("item", "- the 65 W charger"),
        ("item", "- a cable that fits"),
        ("prose", "Then:"),
        ("item", "1. Plug it in."),
        ("item", "2. Wait."),
        ("row", "| X1 | 12 hours | 1.38 kg |"),
        ("row", "| G1 | 5 hours | 2.45 kg |"),
    ]


def test_units_know_their_block_and_its_lead():
    by_text = {" ".join(text.split()): unit for _, text, unit in units_of(TEXT)}
    listed = by_text["- the 65 W charger"].block
    steps = by_text["2. Wait."].block
    table = by_text["| G1 | 5 hours | 2.45 kg |"].block
    assert TEXT[listed.lead.start : listed.lead.end].endswith("You need:")
    assert (len(listed.lines), listed.numbered) == (2, False)
    assert (len(steps.lines), steps.numbered) == (2, True)
    assert TEXT[table.lines[0].start : table.lines[0].end].startswith("| Device")
    assert by_text["You need:"].block == listed
    assert by_text["It is full in two hours."].block is None


def test_units_point_at_their_sentences():
    sentences = split_sentences(TEXT)
    for unit in find_units(TEXT, sentences):
        for index in unit.sentences:
            start, end = sentences[index]
            assert start < unit.end
            assert end > unit.start


def test_text_without_sentences_is_one_unit():
    [unit] = find_units("One line", ())
    assert (unit.start, unit.end, unit.sentences) == (0, 8, ())


def test_nothing_quotable():
    assert find_units("", ()) == []
    assert find_units("# Heading\n\n| --- |\n", split_sentences("# Heading\n\n| --- |\n")) == []
