from agents.citations import best_sentence, check_citations, cited_statements


def test_statements_are_what_stands_before_a_number():
    text = "It lasts 12 hours [1]. It weighs little. [2]\n- Free returns [1][2]"
    assert cited_statements(text) == [
        ("It lasts 12 hours", 1),
        ("It weighs little.", 2),
        ("- Free returns", 1),
        ("- Free returns", 2),
    ]


def test_the_row_of_a_table_is_one_statement():
    assert cited_statements("Costs:\n\n| Express | 2 days | $14.95 [2] |") == [("Express | 2 days | $14.95", 2)]


def test_a_number_alone_cites_the_line_before():
    assert cited_statements("Twelve hours.\n[1]") == [("Twelve hours.", 1)]


def test_the_quote_is_the_sentence_that_supports_the_statement(make_passage):
    passage = make_passage("The X1 is light. Its battery lasts 12 hours. It is blue.", start=50)
    [citation] = check_citations("The battery lasts for 12 hours [1].", {1: 1}, [passage]).citations
    assert citation.quote == "Its battery lasts 12 hours."
    assert citation.span == (67, 94)
    assert passage.text[17:44] == citation.quote


def test_numbers_shown_map_to_passages(battery):
    checked = check_citations("Free within 30 days [1]. Up to 12 hours [2].", {2: 1, 1: 2}, battery.passages)
    assert [(c.n, c.document) for c in checked.citations] == [(1, "returns"), (2, "manual")]


def test_two_statements_of_one_passage_share_one_quote(battery):
    text = "The X1 battery lasts up to 12 hours. [1] It charges in two hours. [1]"
    [citation] = check_citations(text, {1: 1}, battery.passages).citations
    assert citation.quote == battery.passages[0].text
    assert citation.span == (100, 100 + len(citation.quote))


def test_support_is_the_share_of_words_the_quotes_hold(battery):
    full = check_citations("The X1 battery lasts up to 12 hours. [1]", {1: 1}, battery.passages).support
    none = check_citations("Bananas grow on trees. [1]", {1: 1}, battery.passages).support
    assert full == 1.0
    assert none == 0.0
    assert check_citations("No source.", {}, battery.passages).support == 0.0


def test_a_number_that_was_never_handed_out_is_no_citation(battery):
    assert check_citations("An array[3] of things", {}, battery.passages).citations == ()


def test_a_passage_without_sentences_is_quoted_whole(make_passage):
    passage = make_passage("")
    assert best_sentence("anything", passage) == ((0, 0), 0.0)
