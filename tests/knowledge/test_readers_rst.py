import pytest

from knowledge.readers.base import read

pytestmark = pytest.mark.unit


def markdown(source: str) -> str:
    return read(source.encode(), "a.rst").markdown


def test_sections_by_the_order_of_their_adornments():
    assert markdown("====\nTop\n====\n\nOne\n===\n\nTwo\n---\n\ntext\n\nThree\n=====\n\nx") == (
        "# Top\n\n## One\n\n### Two\n\ntext\n\n## Three\n\nx"
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("See :ref:`the guide <guide>` and ``code`` and `site <https://x.y>`_.", "See the guide and `code` and site."),
        ("A **bold** and *thin* |name| word_.", "A bold and thin name word."),
        ("Call :py:func:`~os.path.join` now.", "Call join now."),
        (".. comment\n   more\n\ntext", "text"),
        (".. _label:\n\ntext", "text"),
        (".. image:: a.png\n   :alt: the box\n", "the box"),
        (".. note:: Mind\n   this.", "Mind\n\nthis."),
        (".. [1] A footnote.", "[1] A footnote."),
        (":Author: Jo", "Author: Jo"),
        ("term\n   What it is.", "term: What it is."),
    ],
)
def test_text_stays_and_marks_go(source, expected):
    assert markdown(source) == expected


def test_code():
    assert (
        markdown(".. code-block:: python\n   :linenos:\n\n   def f():\n       pass")
        == "```python\ndef f():\n    pass\n```"
    )
    assert markdown("Do this::\n\n    run\n      it\n\nEnd.") == "Do this:\n\n```\nrun\n  it\n```\n\nEnd."


def test_lists_nest():
    assert markdown("1. Pack\n\n   - box\n   - tape\n\n2. Send") == "1. Pack\n\n   - box\n\n   - tape\n\n2. Send"


@pytest.mark.parametrize(
    "source",
    [
        "=== ===\nA   B\n=== ===\n1   2\n    3\n=== ===",
        "+---+---+\n| A | B |\n+===+===+\n| 1 | 2 |\n|   | 3 |\n+---+---+",
        ".. csv-table::\n   :header: A, B\n\n   1, 2 3",
        ".. list-table::\n\n   * - A\n     - B\n   * - 1\n     - 2\n       3",
    ],
)
def test_tables_of_every_kind(source):
    assert markdown(source) == "| A | B |\n| --- | --- |\n| 1 | 2 3 |"
