"""What to collect, and where on a page it is: a list of parts and a recipe.

A recipe is a TOML file:

    page = "https://catalogue.example/parts/{part}"    # the page of a part; left out, the list holds URLs
    images = "#gallery a, #gallery img"                # CSS selector of what offers pictures; or for a JSON page
    # json = "$.images[*].url"                         # a JSONPath (RFC 9535)
    hosts = ["pictures.catalogue.example"]             # where else than on the page's host they may lie
    seconds_between = 2.0                              # requests to one host

With neither `images` nor `json`, `page` is the picture itself. docs/guide/photos.md shows how to write one."""

import csv
import gzip
import io
import json
import re
import tomllib
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urljoin, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from minifaces.errors import UsageError

_COLUMNS = ("part_num", "number", "part", "part_number", "item number", "url", "page")
"""Headers of the column of part numbers or URLs: Rebrickable's, BrickLink's, and plain words."""
_DELIMITERS = "\t;,"
_OFFERS = ("srcset", "data-srcset", "imagesrcset", "src", "data-src", "href", "content")
"""Attributes that hold a picture's URL."""
_CANDIDATE = re.compile(r"([^\s,](?:\S*[^\s,])?)(?:\s+([^,]*))?")
"""Of a srcset: a URL, which may have commas within, and its descriptors. A comma after either ends them."""


class Recipe(BaseModel):
    """How a catalogue site shows its pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: str | None = None
    images: str | None = None
    json_path: Annotated[str | None, Field(alias="json")] = None
    attribute: str | None = None
    """Of the elements that `images` selects, the attribute with the URL; by default every one that may hold it."""
    hosts: tuple[str, ...] = ()
    seconds_between: Annotated[float, Field(ge=0, le=3600)] = 2.0
    most_bytes: Annotated[int, Field(ge=1000, le=100_000_000)] = 20_000_000
    most_images: Annotated[int, Field(ge=1, le=100)] = 12
    """Pictures of one page that are looked at to find the largest."""

    @field_validator("page")
    @classmethod
    def _one_place(cls, page: str | None) -> str | None:
        if page is not None:
            if page.replace("{part}", "").count("{") or "{part}" not in page:
                raise ValueError("must have {part} where the part number goes, and no other braces")
            check_url(page)
        return page

    @field_validator("hosts")
    @classmethod
    def _names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not host or set(host) & set("/: "):
                raise ValueError(f"{host!r} is no host's name: give it without http:// and port")
        return tuple(host.lower() for host in hosts)

    @model_validator(mode="after")
    def _one_way(self) -> "Recipe":
        if self.images is not None and self.json_path is not None:
            raise ValueError("images is for HTML pages, json for JSON pages: give one")
        return self

    def url(self, part: str) -> str:
        """The page of a part; a part that is a URL is its own page. Raises UsageError where it is neither."""
        if self.page is not None and not _is_url(part):
            return self.page.replace("{part}", quote(part, safe=""))
        try:
            return check_url(part)
        except ValueError as error:
            raise UsageError(f"{part!r} {error}: give the recipe a `page`, or list URLs") from None


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe. Raises UsageError, naming the file and the line or key."""
    try:
        recipe = Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UsageError(f"{path} is missing: docs/guide/photos.md shows how to write a recipe") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is no recipe: {error}") from None
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(step) for step in problem["loc"])
        raise UsageError(
            f"{path}: {where} {problem['msg'].removeprefix('Value error, ')}".replace(":  ", ": ")
        ) from None
    _check_selectors(path, recipe)
    return recipe


def offered(recipe: Recipe, page: bytes, url: str) -> list[str]:
    """The absolute URLs of the pictures that a page offers, in its order, each once; of an element that names several
    sizes, only the largest. Raises UsageError where the page is not what the recipe expects."""
    found = _offered_by_json(recipe, page, url) if recipe.json_path is not None else _offered_by_html(recipe, page, url)
    urls = (_joined(start, text) for start, text in found)
    return list(dict.fromkeys(each for each in urls if _is_url(each)))[: recipe.most_images]


def _joined(start: str, text: str) -> str:
    """The absolute URL of what a page says; "" where that is none."""
    try:
        url = urljoin(start, text.strip()).partition("#")[0] if text.strip() else ""
        url.encode()
    except ValueError:  # such as http://[ or half of a character, which JSON can name
        return ""
    return url


def _offered_by_json(recipe: Recipe, page: bytes, url: str) -> list[tuple[str, str]]:
    import jsonpath_rfc9535

    try:
        value = json.loads(page)
    except (ValueError, RecursionError):
        raise UsageError("is not JSON, which the recipe expects") from None
    try:
        found = [node.value for node in jsonpath_rfc9535.find(str(recipe.json_path), value)]
    except (jsonpath_rfc9535.JSONPathError, RecursionError):
        raise UsageError("is JSON that is nested too deep for the recipe's JSONPath") from None
    return [(url, each) for each in found if isinstance(each, str)]


def _offered_by_html(recipe: Recipe, page: bytes, url: str) -> list[tuple[str, str]]:
    """What each URL starts from, and its text."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(page)
    base = tree.css_first("base[href]")
    start = (base and _joined(url, base.attributes["href"] or "")) or url
    names = (recipe.attribute,) if recipe.attribute else _OFFERS
    found: list[tuple[str, str]] = []
    for element in tree.css(recipe.images or ""):
        for name in names:
            if value := element.attributes.get(name):
                found.append((start, _largest_of(value) if name.endswith("srcset") else value))
    return found


def _largest_of(srcset: str) -> str:
    """The URL with the largest descriptor of a srcset (HTML, section 4.8.4.2.1): `a.jpg 300w, b.jpg 2x`."""
    best, most = "", -1.0
    for url, descriptors in _CANDIDATE.findall(srcset):
        try:
            size = float((descriptors.split() or ["1x"])[0][:-1])
        except ValueError:
            continue
        if size > most:
            best, most = url, size
    return best


def read_parts(path: Path, column: str | None = None, where: Sequence[tuple[str, str]] = ()) -> list[str]:
    """The part numbers or URLs in a list: a CSV (comma, semicolon or tab; also gzipped) or a line each. If the first
    line is a URL, every line is one, commas and all.

    With a header, the column is the one named, or else the first that is called like those of the known catalogues; the
    rows are those that hold each value of `where` in its column. Each part is given once, in the list's order.
    Raises UsageError for a list without parts or without such a column."""
    rows = _read_table(path)
    header = [cell.strip().lower() for cell in rows[0]]
    wanted = [column.lower()] if column else _COLUMNS
    named = next((header.index(name) for name in wanted if name in header), None)
    if named is None and (column or where):
        raise UsageError(
            f"{path} has no column {column or ' or '.join(_COLUMNS)}: its columns are {', '.join(rows[0])}"
        )
    for name, _ in where:
        if name.lower() not in header:
            raise UsageError(f"{path} has no column {name}: its columns are {', '.join(rows[0])}")
    body = rows if named is None else rows[1:]
    tests = [(header.index(name.lower()), value) for name, value in where]
    chosen = (r for r in body if all(i < len(r) and r[i].strip() == value for i, value in tests))
    parts = list(dict.fromkeys(cell for r in chosen if (cell := _cell(r, named or 0))))
    if not parts:
        raise UsageError(f"{path} lists no parts{' like that' if where else ''}")
    return parts


def _read_table(path: Path) -> list[list[str]]:
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode("utf-8-sig")
        first = next((line for line in text.splitlines() if line.strip()), "")
        if len(words := first.split()) == 1 and _is_url(words[0]):
            return [[line] for line in text.splitlines() if line.strip()]
        delimiter = max(_DELIMITERS, key=first.count)
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    except FileNotFoundError:
        raise UsageError(f"{path} is missing: give a CSV of part numbers or URLs") from None
    except (OSError, UnicodeDecodeError, csv.Error, EOFError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read as a list: {error}") from None
    if not rows:
        raise UsageError(f"{path} is empty: give a CSV of part numbers or URLs")
    return rows


def _cell(row: Iterable[str], column: int) -> str:
    return next((cell.strip() for i, cell in enumerate(row) if i == column), "")


def _is_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def check_url(url: str) -> str:
    """Raise ValueError unless `url` is a whole http or https URL."""
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an http or https URL")
    return url


def _check_selectors(path: Path, recipe: Recipe) -> None:
    """Refuse what could not work before anything is fetched."""
    for name, text, check in (("images", recipe.images, _check_css), ("json", recipe.json_path, _check_json_path)):
        if text is not None and (problem := check(text)):
            raise UsageError(f"{path}: {name} {text!r} is not understood: {problem}")


def _check_css(selector: str) -> str | None:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    try:
        LexborHTMLParser("<p>").css(selector)
    except SelectolaxError as error:
        return str(error)
    return None


def _check_json_path(query: str) -> str | None:
    import jsonpath_rfc9535

    try:
        jsonpath_rfc9535.compile(query)
    except jsonpath_rfc9535.JSONPathError as error:
        return str(error)
    return None
