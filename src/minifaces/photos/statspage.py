"""Draw what `stats.measure` found: one HTML file with bars, histograms and examples, and nothing from elsewhere.

write_page("stats.html", measure("faces"))"""

import os
from collections import Counter
from html import escape
from importlib.resources import files
from pathlib import Path

from minifaces.errors import UsageError
from minifaces.files import shown, write_text
from minifaces.images import read_picture
from minifaces.photos.stats import Spread, Stats
from minifaces.photos.thumbnails import thumbnail

_SIDE = 64  # pixels of an example
_ROWS = 16  # values of a table that are drawn
_WIDTH, _HEIGHT, _FOOT = 360, 110, 18  # of a histogram


def write_page(path: str | os.PathLike[str], stats: Stats) -> None:
    """Write the page, whole or not at all."""
    folder = files("minifaces.photos") / "page"
    page, style = ((folder / f"stats.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    name = escape(shown(stats.folder.resolve().name))
    counts = "\n".join(f"<div><dt>{escape(what)}</dt><dd>{count:,}</dd></div>" for what, count in stats.counts.items())
    figures = [_table(stats, what, table) for what, table in stats.tables.items()]
    figures += [_histogram(what, spread) for what, spread in stats.spreads.items()]
    footer = (
        "Colours are the most frequent ones of a picture's middle; angles are estimates unless a data set names them."
    )
    for mark, text in (
        *(("/*style*/", style), ("<!--name-->", name), ("<!--counts-->", counts)),
        *(("<!--figures-->", "\n".join(figures)), ("<!--footer-->", footer)),
    ):
        page = page.replace(mark, text)
    write_text(path, page)


def _table(stats: Stats, what: str, table: Counter[str]) -> str:
    most = max(table.values())
    rows = []
    for value, count in table.most_common(_ROWS):
        example = stats.examples.get((what, value))
        rows.append(
            f"<tr><td class=example>{_example(example)}</td><th scope=row>{escape(value)}</th>"
            f'<td class=bar aria-hidden=true><i style="width:{100 * count / most:.1f}%"></i></td>'
            f"<td class=count>{count:,} ({stats.share(what, value):.0%})</td></tr>"
        )
    rest = len(table) - len(rows)
    more = f" <small>{rest} more</small>" if rest > 0 else ""
    return f"<figure><h2>{escape(what.capitalize())}{more}</h2><table>{''.join(rows)}</table></figure>"


def _histogram(what: str, spread: Spread) -> str:
    counts, edges = spread.histogram()
    wide, most = _WIDTH / len(counts), max(1, int(counts.max()))
    bars = "".join(
        f'<rect x="{i * wide + 0.5:.1f}" y="{_HEIGHT * (1 - count / most):.1f}" width="{wide - 1:.1f}" '
        f'height="{_HEIGHT * count / most:.1f}"><title>{edges[i]:.2f} to {edges[i + 1]:.2f}: {count}</title></rect>'
        for i, count in enumerate(counts)
    )
    marks = "".join(
        f'<text x="{x}" y="{_HEIGHT + _FOOT - 4}" text-anchor="{anchor}">{value:.3g}</text>'
        for x, anchor, value in (
            *((0, "start", edges[0]), (_WIDTH / 2, "middle", (edges[0] + edges[-1]) / 2)),
            *((_WIDTH, "end", edges[-1]),),
        )
    )
    told = ", ".join(f"{name} {value:g}" for name, value in spread.quantiles().items())
    ends = "".join(
        f"<div>{''.join(_example(path) for _, path in chosen)}</div>" for chosen in (spread.least, spread.most[::-1])
    )
    return (
        f"<figure><h2>{escape(what.capitalize())} <small>{escape(spread.unit)}</small></h2>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}" role="img" aria-label="{escape(f"{what}: {told}")}">{bars}'
        f'<line x1="0" y1="{_HEIGHT}" x2="{_WIDTH}" y2="{_HEIGHT}"/>{marks}</svg>'
        f"<div class=ends>{ends}</div></figure>"
    )


def _example(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        picture = read_picture(path)
    except UsageError:  # counted as such
        return ""
    return f'<img alt="" loading="lazy" src="data:image/webp;base64,{thumbnail(picture, _SIDE)}">'
