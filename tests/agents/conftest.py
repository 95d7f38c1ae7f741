"""Evidence made by hand: passages, search results and turns."""

import re

import numpy as np
import pytest

from agents.context import PastMessage, Turn
from agents.llm.openai_compatible import close_clients
from agents.llm.scripted_server import ScriptedServer
from knowledge.embedding.base import TOKEN_WIDTH, QueryEncoding
from knowledge.retrieval.search import Passage, SearchResult
from knowledge.sentences import split_sentences

DIMENSIONS = 16


def vector_of(text: str) -> np.ndarray:
    """A unit vector in which texts that share words lie near each other."""
    vector = np.full(DIMENSIONS, 0.01, np.float32)
    for word in re.findall(r"\w+", text.lower()):
        vector[sum(map(ord, word)) % DIMENSIONS] += 1
    return vector / np.linalg.norm(vector)


@pytest.fixture
def make_passage():
    def make(text, *, document="manual", title="X1 user manual", url="", start=0, score=0.9, heading=(), context=""):
        sentences = tuple(split_sentences(text))
        vectors = np.stack([vector_of(text[a:b]) for a, b in sentences or [(0, 0)]])
        return Passage(
            chunk=len(text),
            document=document,
            document_id=sum(map(ord, document)),
            title=title,
            url=url,
            heading_path=tuple(heading),
            page=None,
            text=text,
            start=start,
            end=start + len(text),
            score=score,
            scores={"dense": score},
            sentences=sentences,
            tokens=np.zeros((0, TOKEN_WIDTH), np.int8),
            token_ids=np.zeros(0, np.int32),
            token_sentences=np.zeros(0, np.int16),
            sentence_vectors=vectors,
            context=context,
        )

    return make


@pytest.fixture
def make_result():
    def make(*passages, query="How long does the battery last?", answerability=0.9):
        none = np.zeros((0, TOKEN_WIDTH), np.float32)
        encoding = QueryEncoding(
            vector=vector_of(query), tokens=none, token_ids=np.zeros(0, np.int32), pieces_per_word=1.2
        )
        return SearchResult(
            query=query,
            passages=tuple(passages),
            answerability=answerability,
            index="fake",
            ms=1.0,
            documents=24,
            encoding=encoding,
        )

    return make


@pytest.fixture
def battery(make_passage, make_result):
    """What the searches of most tests find."""
    return make_result(
        make_passage("The X1 battery lasts up to 12 hours. It charges in two hours.", start=100),
        make_passage("Returns are free within 30 days.", document="returns", title="Returns", score=0.4),
    )


@pytest.fixture
def make_turn():
    def make(question, *past, language="en", summary=""):
        history = tuple(PastMessage("assistant" if index % 2 else "customer", text) for index, text in enumerate(past))
        return Turn(1, "TechPro", language, "conversation", question, history, summary)

    return make


@pytest.fixture
async def scripted_server():
    """A real server that speaks the protocol; the test sets its script."""
    async with ScriptedServer() as server:
        yield server
        await close_clients()
