"""A server that speaks as much of Qdrant's REST interface as the product uses, over Qdrant's own engine in process."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import qdrant_edge as edge

CREATE = {"vectors": {"size", "distance"}, "hnsw_config": {"m", "payload_m"}}
ROUTE = re.compile(r"^/collections/(?P<name>[\w-]+)(?P<rest>[/\w]*)(?P<wait>\?wait=true)?$")


class QdrantServer:
    """`calls` lists what was asked for; with `broken`, everything is refused."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shards, self.calls = folder, {}, []
        self.broken, self.lock = False, threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
                with server.lock:
                    status, result = server.answer(self.command, self.path, body)
                payload = json.dumps({"result": result, "status": "ok", "time": 0.001}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_PUT = do_POST = answer  # noqa: N815 (the library's names)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def answer(self, method: str, path: str, body: dict) -> tuple[int, object]:
        self.calls.append((method, path, body))
        route = ROUTE.match(path)
        if self.broken or route is None:
            return 500, None
        name, what = route["name"], (method, route["rest"])
        if what == ("GET", "/exists"):
            return 200, {"exists": name in self.shards}
        if what == ("PUT", ""):
            assert body["vectors"].keys() == CREATE["vectors"]
            assert body["hnsw_config"].keys() == CREATE["hnsw_config"]
            self.shards[name] = self._made(name, body["vectors"])
            return 200, True
        if name not in self.shards:
            return 404, None
        return 200, self._ask(self.shards[name], what, body)

    def _made(self, name: str, vectors: dict) -> edge.EdgeShard:
        distance = getattr(edge.Distance, vectors["distance"])
        (self.folder / name).mkdir()
        config = edge.EdgeConfig(vectors=edge.EdgeVectorParams(vectors["size"], distance))
        return edge.EdgeShard.create(str(self.folder / name), config)

    def _ask(self, shard: edge.EdgeShard, what: tuple[str, str], body: dict) -> object:
        match what:
            case ("PUT", "/index"):
                assert set(body) == {"field_name", "field_schema"}
                return {"status": "completed"}
            case ("PUT", "/points"):
                points = [edge.Point(p["id"], p["vector"], p["payload"]) for p in body["points"]]
                shard.update(edge.UpdateOperation.upsert_points(points))
                return {"status": "completed"}
            case ("POST", "/points/delete"):
                shard.update(edge.UpdateOperation.delete_points_by_filter(filter_of(body["filter"])))
                return {"status": "completed"}
            case ("POST", "/points/count"):
                return {"count": shard.count(edge.CountRequest(body["exact"], filter_of(body["filter"])))}
            case ("POST", "/points/query"):
                params = edge.SearchParams(**body["params"])
                query = edge.Query.Nearest(body["query"])
                filters = filter_of(body["filter"])
                found = shard.query(edge.QueryRequest(body["limit"], query=query, filter=filters, params=params))
                return {"points": [{"id": point.id, "score": point.score} for point in found]}
        raise AssertionError(what)


def filter_of(written: dict) -> edge.Filter:
    return edge.Filter(must=[_condition(condition) for condition in written["must"]])


def _condition(written: dict) -> object:
    if "has_id" in written:
        return edge.HasIdCondition(set(written["has_id"]))
    match = written["match"]
    kind = edge.MatchAny(match["any"]) if "any" in match else edge.MatchValue(match["value"])
    return edge.FieldCondition(written["key"], match=kind)
