"""Help as people read it: typer's own shows types of Python (`<list[str]>`, `<bool>`) and braces around arguments.

    app = Commands(help="Look into models.")     # in the place of typer.Typer

Options name what they take with `metavar`; flags take nothing and show nothing."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup


class Command(TyperCommand):
    """A command with readable help."""

    def get_params(self, ctx: Any) -> Any:
        return [_readable(param) for param in super().get_params(ctx)]


class Group(TyperGroup):
    """A group of commands with readable help of its own."""

    def get_params(self, ctx: Any) -> Any:
        return [_readable(param) for param in super().get_params(ctx)]


class Commands(typer.Typer):
    """A `typer.Typer` whose commands have readable help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=Group, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, cls=Command, **settings)


def _readable(param: Any) -> Any:
    if isinstance(param, TyperArgument):
        name = str(param.metavar) if param.required else f"[{param.metavar}]"
        pieces = [name if param.nargs == 1 else f"{name}..."]
        param.get_usage_pieces = lambda ctx: pieces  # type: ignore[method-assign]  # noqa: ARG005
        param.display_type_rich = lambda ctx: None  # type: ignore[method-assign]  # noqa: ARG005
    else:
        if param.is_flag:
            param.metavar = ""
        least, most = param.min, param.max
        span = None if least is None else f"{least} or more" if most is None else f"{least} to {most}"
        param._get_number_range_help_str = lambda: span
    return param
