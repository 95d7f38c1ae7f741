"""The layout holds: imports point down only, functions and modules stay short, every tenant path passes the gate."""

import ast
import statistics
from functools import cache
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {"tenants": 0, "commerce": 1, "knowledge": 1, "agents": 2, "chat": 3, "project": 4}
LONGEST_MODULE, LONGEST_FUNCTION, LONG_FUNCTION = 400, 80, 50  # lines
VAGUE_NAMES = {"utils", "common", "core", "helpers", "misc"}


@cache
def modules() -> dict[Path, ast.Module]:
    paths = [p for app in FLOORS for p in (ROOT / app).rglob("*.py") if "migrations" not in p.parts]
    return {p.relative_to(ROOT): ast.parse(p.read_text()) for p in paths}


@cache
def function_lengths() -> dict[str, int]:
    return {
        f"{path}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def imported(tree: ast.Module) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def test_imports_point_down_only():
    upward = [
        f"{path} imports {name}"
        for path, tree in modules().items()
        for name in imported(tree)
        if (floor := FLOORS.get(name.split(".")[0])) is not None
        and name.split(".")[0] != path.parts[0]
        and floor >= FLOORS[path.parts[0]]
    ]
    assert upward == []


def test_knowledge_knows_no_language_model():
    assert [str(p) for p, tree in modules().items() if p.parts[0] == "knowledge" and "agents" in imported(tree)] == []


def test_agents_speak_neither_http_nor_sockets():
    banned = {"django.http", "django.urls", "channels.generic.websocket"}
    assert [str(p) for p, tree in modules().items() if p.parts[0] == "agents" and imported(tree) & banned] == []


def test_modules_are_short():
    long = {str(p): n for p in modules() if (n := (ROOT / p).read_text().count("\n")) > LONGEST_MODULE}
    assert long == {}


def test_functions_are_short():
    lengths = function_lengths()
    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION} == {}
    assert sum(n <= LONG_FUNCTION for n in lengths.values()) / len(lengths) >= 0.97
    assert statistics.median(lengths.values()) <= 10


def test_names_say_what_a_module_is_about():
    assert [str(p) for p in modules() if p.stem in VAGUE_NAMES or VAGUE_NAMES & set(p.parts[:-1])] == []


def patterns(resolver: URLResolver, prefix: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        found += patterns(entry, path) if isinstance(entry, URLResolver) else [(path, entry)]
    return found


def test_every_tenant_path_passes_the_gate():
    """A view under /<slug>/ without @tenant_view would have no scope and no roles."""
    under_tenants = [(path, p) for path, p in patterns(get_resolver()) if path.startswith("<slug:slug>/")]
    assert under_tenants
    assert [path for path, p in under_tenants if not hasattr(p.callback, "roles")] == []
