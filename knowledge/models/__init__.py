"""The tables of what a tenant knows, by noun."""

from knowledge.models.changes import KnowledgeChange, KnowledgeState
from knowledge.models.documents import (
    FINISHED,
    Chunk,
    ChunkKind,
    Document,
    DocumentVersion,
    version_path,
)
from knowledge.models.evaluation import (
    EvaluationCase,
    EvaluationResult,
    EvaluationRun,
    EvaluationSet,
    Release,
    ReleaseGate,
)
from knowledge.models.external import ExternalIndex
from knowledge.models.reports import Gap, KnowledgeAlert, ReportSettings, SourceCheck
from knowledge.models.searching import CuratedAnswer, Reranker, SearchSettings, SynonymGroup
from knowledge.models.vectors import ChunkVectors, EmbeddingModel, VectorDrift

__all__ = [
    "FINISHED",
    "Chunk",
    "ChunkKind",
    "ChunkVectors",
    "CuratedAnswer",
    "Document",
    "DocumentVersion",
    "EmbeddingModel",
    "EvaluationCase",
    "EvaluationResult",
    "EvaluationRun",
    "EvaluationSet",
    "ExternalIndex",
    "Gap",
    "KnowledgeAlert",
    "KnowledgeChange",
    "KnowledgeState",
    "Release",
    "ReleaseGate",
    "ReportSettings",
    "Reranker",
    "SearchSettings",
    "SourceCheck",
    "SynonymGroup",
    "VectorDrift",
    "version_path",
]
