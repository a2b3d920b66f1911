"""`minifaces serve`: the explorer, avatars and the API for whoever may ask; `explore` is the same for oneself."""

import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from minifaces.cli.common import DataOption, ModelOption, open_model, say, warn
from minifaces.cli.help import Commands
from minifaces.cli.site import SeedOption, page_data_apart
from minifaces.errors import UsageError

if TYPE_CHECKING:
    from minifaces.server.server import Server

app = Commands()

TOKEN = "MINIFACES_TOKEN"
PortOption = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 takes any that is free.")]
HostOption = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 lets other machines in, as Docker needs.")
]
NamesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host",
        metavar="NAME",
        help="Also answer to this name: lab.example.org, *.example.org, or * for any; may be repeated.",
        show_default=False,
    ),
]


@app.command()
def explore(
    data: DataOption = None,
    port: PortOption = 0,
    host: HostOption = "127.0.0.1",
    names: NamesOption = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    seed: SeedOption = 0,
    model_folder: ModelOption = None,
) -> None:
    """Open the explorer, a page in the browser.

    Map, morphs, random faces, edits, photos and avatars: everything is computed in the page.
    This hands it its files, to this machine alone or as --host says, until Ctrl-C.
    For another web server: minifaces export-site. With an API: minifaces serve."""
    import webbrowser

    from minifaces.explorer.output import site
    from minifaces.server.app import explorer
    from minifaces.server.hosts import allowed_name, listen
    from minifaces.server.server import Server

    allowed = [allowed_name(name) for name in names or []]
    listen(host, port).close()  # what is in the way is told before the map is laid out
    files = page_data_apart(data, seed, model_folder)
    with Server(lambda place: explorer(site(files), place), port, host, allowed) as server:
        _told(server, "look at the page")
        if browser:
            webbrowser.open(server.address)
        _run(server)


@app.command()
def serve(
    port: PortOption = 8000,
    host: HostOption = "127.0.0.1",
    names: NamesOption = None,
    data: DataOption = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            envvar=TOKEN,
            help="Answer only who sends it, as Authorization: Bearer TEXT.",
            show_default=False,
        ),
    ] = None,
    seed: SeedOption = 0,
    model_folder: ModelOption = None,
) -> None:
    """Serve the explorer, avatars and an API over HTTP.

    /avatar/TEXT.png is the face of any text; /openapi.json describes all of it (docs/guide/server.md).
    To this machine alone or as --host says, until Ctrl-C; what was accepted is finished."""
    from threadpoolctl import threadpool_limits

    from minifaces.explorer.output import site
    from minifaces.server.app import application
    from minifaces.server.hosts import allowed_name, listen
    from minifaces.server.server import Server, give_memory_back

    if token is not None and (not token.isascii() or not token.isprintable() or len(token) < 8 or " " in token):
        raise UsageError("--token: wanted are 8 characters or more of ASCII, without spaces")
    allowed = [allowed_name(name) for name in names or []]
    listen(host, port).close()  # what is in the way is told before the map is laid out
    files = page_data_apart(data, seed, model_folder)
    model = open_model(model_folder)
    give_memory_back()
    threadpool_limits(1)  # requests are worked on side by side: threads of one would wait for those of others
    with Server(lambda place: application(model, site(files), place, token=token), port, host, allowed) as server:
        _told(server, "ask for faces" if token is None else "reach it, and asks with the token, can have faces")
        _run(server)


def _told(server: "Server", done: str) -> None:
    place = server.place
    if place.is_open:
        warn(f"every machine that reaches this one can {done}, under its name or address and port {place.port}")
    if "*" in place.names:
        warn("with --allow-host '*', any web site that somebody here visits can read the page's faces and model")
    say(f"{server.address}  (Ctrl-C ends it)")


def _run(server: "Server") -> None:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, once the server has ended
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    signal.signal(signal.SIGTERM, before)
    say("ended")
