"""A page on the web cannot drive the app: requests with a foreign Host or Origin are refused."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine.paths import PROJECT_DIR
from tests.e2e.server import app_server

pytestmark = pytest.mark.slow

SWITCHED, FORBIDDEN = 101, 403
CONTAINER = json.loads((PROJECT_DIR / ".devcontainer" / "devcontainer.json").read_text("utf-8"))


def request(url: str, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """Send a request to the server at ``url``; the headers may name another host."""
    address = urlsplit(url)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    return connection.getresponse()


def websocket_status(url: str, host: str, origin: str | None = None) -> int:
    """Return the status with which the server answers the opening of a websocket."""
    headers = {
        "Host": host,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec_WebSocket_Protocol": "streamlit",
    }
    if origin is not None:
        headers["Origin"] = origin
    return request(url, "/_stcore/stream", **headers).status


@pytest.fixture
def url(home: Path) -> Iterator[str]:
    with app_server(home) as started:
        yield started


def test_only_this_machines_names_open_a_websocket(url: str) -> None:
    port = urlsplit(url).port
    for own in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert websocket_status(url, own, f"http://{own}") == SWITCHED
        assert websocket_status(url, own) == SWITCHED
        # A page of another site opens the socket under the right name.
        for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "null"):
            assert websocket_status(url, own, origin) == FORBIDDEN
    # A name of another site leads to this machine (DNS rebinding): Host and Origin agree.
    for name in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example"):
        foreign = f"{name}:{port}"
        assert websocket_status(url, foreign, f"http://{foreign}") == FORBIDDEN
        assert websocket_status(url, foreign) == FORBIDDEN
        assert websocket_status(url, foreign, url) == FORBIDDEN


def test_http_gives_another_site_nothing(url: str) -> None:
    port = urlsplit(url).port
    foreign = {"Host": f"127.0.0.1:{port}", "Origin": "https://evil.example"}
    answer = request(url, "/_stcore/health", **foreign)
    assert answer.getheader("Access-Control-Allow-Origin") is None
    # Without a websocket there is no session, and a file cannot be sent to any.
    rebound = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}
    for headers in (foreign, rebound):
        path = "/_stcore/upload_file/session/file"
        assert request(url, path, "PUT", Content_Length="0", **headers).status == FORBIDDEN
    assert request(url, "/_stcore/agent/interact", "POST", **rebound).status >= 400


def test_the_container_is_reached_by_the_forwarded_port(home: Path) -> None:
    with app_server(home, **CONTAINER["containerEnv"]) as url:
        port = urlsplit(url).port
        for name in ("localhost", "127.0.0.1"):
            # The forwarded port on the user's machine may have another number.
            assert websocket_status(url, f"{name}:1234", f"http://{name}:1234") == SWITCHED
        assert websocket_status(url, f"evil.example:{port}") == FORBIDDEN


def test_further_hosts_are_named_by_a_variable(home: Path) -> None:
    names = "127.0.0.1 localhost ledger.example *.shared.example"
    with app_server(home, STREAMLIT_SERVER_ALLOWED_HOSTS=names) as url:
        for name in ("127.0.0.1", "ledger.example", "a.shared.example"):
            assert websocket_status(url, f"{name}:80", f"http://{name}:80") == SWITCHED
        assert websocket_status(url, "evil.example") == FORBIDDEN
