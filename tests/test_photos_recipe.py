"""Lists of parts and recipes: what is understood, and what is refused before anything is fetched."""

import gzip
from pathlib import Path

import pytest

pytest.importorskip("selectolax")
pytest.importorskip("jsonpath_rfc9535")

from minifaces.errors import UsageError
from minifaces.photos.recipe import Recipe, offered, read_parts, read_recipe

PAGE = "https://catalogue.example/parts/3626bp01"


def test_the_documented_recipe(tmp_path: Path) -> None:
    """docs/guide/photos.md shows a page, a recipe for it, and says what comes of them."""
    text = (Path(__file__).parents[1] / "docs/guide/photos.md").read_text(encoding="utf-8")
    html = text.partition("```html\n")[2].partition("```")[0]
    (tmp_path / "recipe.toml").write_text(text.partition("```toml\n")[2].partition("```")[0])
    recipe = read_recipe(tmp_path / "recipe.toml")
    assert recipe.url("3626bp01") == PAGE
    assert offered(recipe, html.encode(), PAGE) == [
        f"https://catalogue.example/{size}/3626bp01.jpg" for size in ("large", "medium", "small")
    ]


@pytest.mark.parametrize(
    ("html", "urls"),
    [
        ('<img src="a.png"><img src="a.png#x">', ["https://catalogue.example/parts/a.png"]),
        ('<img srcset="/a.png 1x, /b.png 2.5x, /c.png">', ["https://catalogue.example/b.png"]),
        ('<img srcset="/a.png 600w, /a,b.png 1200w">', ["https://catalogue.example/a,b.png"]),
        ('<img srcset="/a.png big">', []),
        ('<img srcset="/a.png 600w,\n  /b.png 1200w">', ["https://catalogue.example/b.png"]),
        ('<img srcset="/a.png 1x,/b.png 2x">', ["https://catalogue.example/b.png"]),
        ('<img srcset=", /w_1,h_2/a.png\t300w 200h ,/w_2,h_4/b.png, ">', ["https://catalogue.example/w_1,h_2/a.png"]),
        ('<img srcset="/a.png,/b.png">', ["https://catalogue.example/a.png,/b.png"]),
        ('<img src="//pictures.example/a.png">', ["https://pictures.example/a.png"]),
        ('<img src="data:image/png;base64,AA=="><img src="ftp://x/a.png"><img src=" ">', []),
        ('<base href="https://b.example/"><img data-src=" a.png ">', ["https://b.example/a.png"]),
        ('<img src="http://[">', []),
        ('<base href="http://["><img src="a.png">', ["https://catalogue.example/parts/a.png"]),
        ("<p>none", []),
        ("", []),
    ],
)
def test_what_a_page_offers(html: str, urls: list[str]) -> None:
    assert offered(Recipe(images="img"), html.encode(), PAGE) == urls


def test_links_and_meta() -> None:
    html = b'<a class=big href="/a.png">x</a><meta property="og:image" content="/b.png"><a href="/c.html">'
    recipe = Recipe(images='a.big, meta[property="og:image"]')
    assert offered(recipe, html, PAGE) == ["https://catalogue.example/a.png", "https://catalogue.example/b.png"]
    assert offered(Recipe(images="a", attribute="class"), html, PAGE) == ["https://catalogue.example/parts/big"]


def test_only_so_many_are_looked_at() -> None:
    html = "".join(f"<img src={n}.png>" for n in range(50)).encode()
    assert len(offered(Recipe(images="img", most_images=3), html, PAGE)) == 3


def test_json_pages() -> None:
    recipe = Recipe(json="$..url")
    page = b'{"a": {"url": "/a.png"}, "b": [{"url": "b.png"}, {"url": 5}]}'
    assert offered(recipe, page, PAGE) == ["https://catalogue.example/a.png", "https://catalogue.example/parts/b.png"]
    for broken in (b"<html>", b"\xff", b"[" * 100_000):
        with pytest.raises(UsageError, match="is not JSON, which the recipe expects"):
            offered(recipe, broken, PAGE)
    with pytest.raises(UsageError, match="is JSON that is nested too deep"):
        offered(recipe, b'{"a":' * 500 + b"1" + b"}" * 500, PAGE)
    assert offered(recipe, rb'{"url": "/\ud800.png", "more": {"url": "/a.png"}}', PAGE) == [
        "https://catalogue.example/a.png"
    ]


def test_part_numbers_are_quoted() -> None:
    recipe = Recipe(page="https://catalogue.example/p/{part}?large=1")
    assert recipe.url("3626 b/../x?") == "https://catalogue.example/p/3626%20b%2F..%2Fx%3F?large=1"
    assert recipe.url("https://other.example/x") == "https://other.example/x"
    with pytest.raises(UsageError, match="give the recipe a `page`, or list URLs"):
        Recipe().url("3626b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('page = "https://x.example/"', "page must have {part} where the part number goes"),
        ('page = "https://x.example/{part}/{colour}"', "and no other braces"),
        ('page = "/parts/{part}"', "page is not an http or https URL"),
        ('page = "file:///etc/{part}"', "page is not an http or https URL"),
        ('images = "a["', "images 'a[' is not understood"),
        ('json = "images[*]"', "json 'images[*]' is not understood"),
        ('json = "$.a"\nimages = "img"', "images is for HTML pages, json for JSON pages: give one"),
        (
            'hosts = ["http://x.example"]',
            "hosts 'http://x.example' is no host's name: give it without http:// and port",
        ),
        ('hosts = ["x.example:80"]', "hosts 'x.example:80' is no host's name"),
        ('hosts = ["x.example/a"]', "hosts 'x.example/a' is no host's name"),
        ("seconds_between = -1", "seconds_between"),
        ("ignore_robots = true", "ignore_robots Extra inputs are not permitted"),
        ("page = ", "is no recipe"),
        ("\0", "is no recipe"),
    ],
)
def test_recipes_that_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_recipe(path)
    assert said in str(refused.value)
    assert str(refused.value).startswith(str(path))
    with pytest.raises(UsageError, match="is missing"):
        read_recipe(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("3626b\n3626c\n\n3626b\n", ["3626b", "3626c"]),
        ("https://x.example/a,b;c\n\nhttps://x.example/d,e \n", ["https://x.example/a,b;c", "https://x.example/d,e"]),
        ("https://x.example/a\tHead\nhttps://x.example/b\tHat, red\n", ["https://x.example/a", "https://x.example/b"]),
        ('"https://x.example/a,b"\nhttps://x.example/c\n', ["https://x.example/a,b", "https://x.example/c"]),
        ("part_num,name,part_cat_id\n3626b,Head,59\n973,Torso,60\n", ["3626b", "973"]),  # Rebrickable
        (
            "Category ID\tNumber\tName\n238\t3626bpb0001\tHead, plain\n",
            ["3626bpb0001"],
        ),  # BrickLink
        ("name;part\nHead;3626b\n;\n", ["3626b"]),
        ('name,url\n"two\nlines",https://x.example/1\n', ["https://x.example/1"]),
        ("\ufeffpart_num\n3626b\n", ["3626b"]),
    ],
)
def test_lists(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    assert read_parts(path) == parts
    path.write_bytes(gzip.compress(text.encode()))
    assert read_parts(path) == parts


def test_columns_and_rows_of_a_list(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,kind,code\n1,head,3626b\n2,hat,3842\n3,head,3626c\nshort\n")
    assert read_parts(path, "Code") == ["3626b", "3842", "3626c"]
    assert read_parts(path, "code", [("kind", "head")]) == ["3626b", "3626c"]
    for column, where, said in (
        ("colour", [], "has no column colour: its columns are id, kind, code"),
        ("code", [("size", "1")], "has no column size"),
        ("code", [("kind", "shoe")], "lists no parts like that"),
    ):
        with pytest.raises(UsageError, match=said):
            read_parts(path, column, where)


def test_lists_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    for data, said in ((b"", "is empty"), (b"\xff\xfe\x00", "cannot be read"), (b"\x1f\x8bx", "cannot be read")):
        path.write_bytes(data)
        with pytest.raises(UsageError, match=said):
            read_parts(path)
    with pytest.raises(UsageError, match="is missing: give a CSV"):
        read_parts(tmp_path / "none.csv")
