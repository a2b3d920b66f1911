"""Write a report: one self-contained HTML page, report.json with every figure, and the pictures as PNG."""

import base64
import html
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from minifaces.evaluate.intervals import Interval
from minifaces.evaluate.parts import Part, Picture, Table, Value
from minifaces.files import atomic
from minifaces.images import save_picture

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882 }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }
.wide { overflow-x: auto; margin: 1em 0 }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child { text-align: left }
tbody tr:hover { background: var(--soft) }
small { opacity: .65; display: block }
img { max-width: 100%; height: auto; image-rendering: auto; border-radius: 4px }
figure { margin: 1.5em 0 } figcaption, .note { opacity: .8; max-width: 80ch }
"""


def write(parts: list[Part], facts: Mapping[str, Any], folder: Path) -> None:
    """`facts` are what the page says of the model on top. Files of an older report are replaced one by one."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in parts:
        for picture in part.pictures:
            save_picture(folder / f"{picture.name}.png", picture.pixels)
    with atomic(folder / "report.json") as scratch:
        figures = {"facts": dict(facts), "parts": {part.name: _plain(part) for part in parts}}
        scratch.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with atomic(folder / "index.html") as scratch:
        scratch.write_text(page(parts, facts), encoding="utf-8")


def page(parts: list[Part], facts: Mapping[str, Any]) -> str:
    """The HTML page, pictures and all."""
    said = "".join(f"<tr><td>{_text(k)}</td><td>{_text(v)}</td></tr>" for k, v in facts.items())
    body = "".join(
        f'<h2 id="{part.name}">{_text(part.title)}</h2>'
        + "".join(map(_table, part.tables))
        + "".join(map(_figure, part.pictures))
        for part in parts
    )
    links = " · ".join(f'<a href="#{part.name}">{_text(part.title)}</a>' for part in parts)
    title = f"minifaces: {_text(facts.get('model', 'report'))}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<h1>{title}</h1><p>{links}</p><table>{said}</table>"
        '<p class="note">Small figures are 95 % intervals: how far a figure would move with other faces. They say '
        f"nothing of other trainings. Every figure is in report.json.</p>{body}</html>\n"
    )


def as_text(value: Value | None) -> str:
    """A figure as a person reads it: "27.31 [26.62, 28.07]", "94.9", "388"."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.4g}"
    return str(value)


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(c)}</th>" for c in ("", *table.columns))
    rows = "".join(
        f"<tr><td>{_text(name)}</td>" + "".join(f"<td>{_cell(row.get(c))}</td>" for c in table.columns) + "</tr>"
        for name, row in table.rows.items()
    )
    return (
        f'<h3>{_text(table.name)}</h3><div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
        f'</table></div><p class="note">{_text(table.note)}</p>'
    )


def _cell(value: Value | None) -> str:
    number, bracket, spread = as_text(value).partition(" [")
    return _text(number) + (f"<small>{_text(spread[:-1])}</small>" if bracket else "")


def _figure(picture: Picture) -> str:
    file = io.BytesIO()
    Image.fromarray(picture.pixels).save(file, "WEBP", quality=88)
    data = base64.b64encode(file.getvalue()).decode()
    caption = _text(picture.caption)
    image = f'<img alt="{caption}" src="data:image/webp;base64,{data}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def _text(value: Any) -> str:
    return html.escape(str(value))


def _plain(part: Part) -> dict[str, Any]:
    return {t.name: {name: {c: _json(v) for c, v in row.items()} for name, row in t.rows.items()} for t in part.tables}


def _json(value: Value) -> Any:
    if isinstance(value, Interval):
        return {"value": _json(value.value), "low": _json(value.low), "high": _json(value.high)}
    return None if isinstance(value, float) and not math.isfinite(value) else value
