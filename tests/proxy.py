"""Caddy, a real reverse proxy, before the pages and Flower."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from polelens.stack.address import HOST, free_port
from polelens.stack.processes import Launch, Processes
from polelens.stack.workers import await_listening

CADDY = str(Path(sys.executable).with_name("caddy"))


@contextmanager
def proxied(folder: Path, below: Mapping[str, str], *, strips: bool = False) -> Iterator[str]:
    """A proxy's address. What is below each path goes to that address, the path left as it is or taken off."""
    url, processes = f"http://{HOST}:{free_port()}", Processes(folder / "caddy")
    routes = [_route(path, to, strips) for path, to in below.items()]
    server = {"listen": [urlsplit(url).netloc], "routes": routes, "automatic_https": {"disable": True}}
    written = {"admin": {"disabled": True}, "apps": {"http": {"servers": {"one": server}}}}
    (folder / "caddy.json").write_text(json.dumps(written))
    home = {"XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    processes.start(Launch("proxy", [CADDY, "run", "--config", str(folder / "caddy.json")], home))
    await_listening(processes, "proxy", url)
    yield url
    processes.stop(["proxy"])


def _route(path: str, to: str, strips: bool) -> dict[str, object]:
    taken_off = [{"handler": "rewrite", "strip_path_prefix": path}] if strips else []
    onwards = {"handler": "reverse_proxy", "upstreams": [{"dial": urlsplit(to).netloc}], "flush_interval": -1}
    return {"match": [{"path": [path, f"{path}/*"]}], "handle": [*taken_off, onwards], "terminal": True}
