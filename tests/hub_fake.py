"""What of the Hugging Face Hub's HTTP API the library asks for, from memory and on loopback: repositories of models and
data sets, whose commits stay."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_good"
Files = dict[str, bytes]


class Hub(ThreadingHTTPServer):
    """`repos` are commits by name (`models/user/name`), the latest last: (id, files)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, list[tuple[str, Files]]] = {}
        self.asked: list[str] = []
        self.private: set[str] = set()
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def commit(self, repo: str, files: Files) -> str:
        made = hashlib.sha1(f"{repo}{len(self.repos.get(repo, []))}".encode()).hexdigest()
        self.repos.setdefault(repo, []).append((made, files))
        return made

    def found(self, repo: str, revision: str) -> tuple[str, Files] | None:
        commits = self.repos.get(repo, [])
        return next((c for c in reversed(commits) if revision in ("main", c[0])), None)


@contextmanager
def hub() -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        path = unquote(urlsplit(self.path).path)
        if found := re.fullmatch(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            self._about(f"{found[1]}/{found[2]}", found[3] or "main")
        elif found := re.fullmatch(r"/api/(models|datasets)/([^/]+/[^/]+)/tree/([^/]+)/?", path):
            self._tree(f"{found[1]}/{found[2]}", found[3])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(f"models/{found[1]}", found[2], found[3])
        else:
            self._json({"error": "not found"}, 404)

    do_HEAD = do_GET  # noqa: N815 - as http.server asks for it

    def do_POST(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = unquote(urlsplit(self.path).path)
        if path != "/api/validate-yaml" and self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._json({"error": "Invalid username or password."}, 401)
        elif path == "/api/repos/create":
            told = json.loads(body)
            name = f"{told.get('organization') or 'me'}/{told['name']}"
            repo = f"{told.get('type', 'model')}s/{name}"
            if told.get("private") or told.get("visibility") == "private":
                self.server.private.add(repo)
            if repo in self.server.repos:
                self._json({"error": "You already created this repo", "url": f"{self.server.address}/{name}"}, 409)
                return
            self.server.commit(repo, {".gitattributes": b""})
            self._json({"url": f"{self.server.address}/{name}", "name": name, "id": "1"})
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            files = [file["path"] for file in json.loads(body)["files"]]
            modes = [{"path": file, "uploadMode": "regular", "shouldIgnore": False} for file in files]
            self._json({"files": modes})
        elif found := re.fullmatch(r"/api/(models|datasets)/([^/]+/[^/]+)/commit/main", path):
            self._commit(f"{found[1]}/{found[2]}", body)
        else:
            self._json({"error": "not found"}, 404)

    def _about(self, repo: str, revision: str) -> None:
        commit = self._found(repo, revision)
        if commit:
            files = [{"rfilename": name} for name in commit[1]]
            name = repo.partition("/")[2]
            self._json({"id": name, "modelId": name, "sha": commit[0], "siblings": files, "private": False, "tags": []})

    def _tree(self, repo: str, revision: str) -> None:
        commit = self._found(repo, revision)
        if commit:
            rows = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in commit[1].items()
            ]
            self._json(rows)

    def _file(self, repo: str, revision: str, name: str) -> None:
        commit = self._found(repo, revision)
        if commit is None:
            return
        if name not in commit[1]:
            self._json({"error": "no entry"}, 404, {"x-error-code": "EntryNotFound"})
            return
        data = commit[1][name]
        told = {"etag": f'"{hashlib.sha1(data).hexdigest()}"', "x-repo-commit": commit[0]}
        self._send(200, data, "application/octet-stream", told)

    def _found(self, repo: str, revision: str) -> tuple[str, Files] | None:
        commit = self.server.found(repo, revision)
        if commit is None:
            missing = "RevisionNotFound" if repo in self.server.repos else "RepoNotFound"
            self._json({"error": missing}, 404, {"x-error-code": missing})
        return commit

    def _commit(self, repo: str, body: bytes) -> None:
        files = dict(self.server.repos[repo][-1][1])
        for line in body.decode().splitlines():
            row: dict[str, Any] = json.loads(line)
            if row["key"] == "file":
                files[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
            elif row["key"] == "deletedFile":
                del files[row["value"]["path"]]
        made = self.server.commit(repo, files)
        where = f"{self.server.address}/{repo.partition('/')[2]}/commit/{made}"
        self._json({"commitUrl": where, "commitOid": made, "success": True})

    def _json(self, value: Any, status: int = 200, more: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), "application/json", more or {})

    def _send(self, status: int, body: bytes, kind: str, more: dict[str, str]) -> None:
        self.send_response(status)
        for name, text in {"content-type": kind, "content-length": str(len(body)), **more}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
