"""Figures for Prometheus."""

import signal

import click

from polelens.cli.store import engine
from storage.settings import settings


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=9108, show_default=True, help="Where to listen.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Who may ask; 0.0.0.0: everybody.")
@click.option("--once", is_flag=True, help="Print them and end.")
def metrics(port: int, address: str, once: bool) -> None:
    """Serve Prometheus the figures of the ledger and the queues.

    They are read when they are asked for, under /metrics; docs/operations.md lists them.

    \b
    polelens metrics
    polelens metrics --address 0.0.0.0 --port 9108
    polelens metrics --once
    """
    from prometheus_client import generate_latest, start_http_server  # noqa: PLC0415 -- slow to import, as the next

    from polelens.metrics import registry  # noqa: PLC0415

    figures = registry(engine(), settings().broker_url)
    if once:
        click.echo(generate_latest(figures).decode(), nl=False)
        return
    server, thread = start_http_server(port, address, figures)
    click.echo(f"http://{address}:{port}/metrics")
    for farewell in (signal.SIGTERM, signal.SIGINT):
        signal.signal(farewell, lambda *_: server.shutdown())
    thread.join()
    server.server_close()
