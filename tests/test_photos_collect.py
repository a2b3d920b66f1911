"""Collecting from a real site on this machine: what is taken, what is asked for, and what is left alone."""

import datetime
import email.utils
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("httpx")
pytest.importorskip("protego")
pytest.importorskip("selectolax")

from minifaces.errors import MinifacesError, UsageError
from minifaces.photos.collect import collect, hosts_of
from minifaces.photos.fetch import Fetcher, LaterError, RefusedError
from minifaces.photos.recipe import Recipe
from minifaces.photos.sources import read_sources
from minifaces.photos.workfolder import Original, Work
from photos_site import Site, picture, running_site
from photos_work import one_worker

CONTACT = "someone@example.org"


@pytest.fixture(scope="module", autouse=True)
def _one_worker() -> Iterator[None]:
    with one_worker():
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with running_site() as site:
        yield site


@pytest.fixture
def site(server: Site) -> Site:
    fresh = {k: v for k, v in vars(Site()).items() if k != "port"}
    vars(server).update(fresh)
    return server


class Trip:
    """Collects into one work folder; sleeping costs no time, and `naps` tells how long it would have been."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder, self.site = folder, site
        self.naps: list[float] = []
        self.told: list[tuple[str, str]] = []
        self.on_nap: Callable[[], None] = lambda: None

    def collect(self, *parts: str, pause: float = 0.0, again: bool = False, **recipe: Any) -> list[Original]:
        """The manifest afterwards."""
        recipe = {"page": f"{self.site.url}/parts/{{part}}", "images": "img", **recipe}
        wanted = Recipe.model_validate({k: v for k, v in recipe.items() if v is not None})
        work = Work(self.folder, make=True)
        hosts = hosts_of(wanted, parts)
        with self.fetcher(pause, hosts) as fetcher:
            collect(work, parts, wanted, fetcher, again, tell=lambda *words: self.told.append(words))
        return list(work.originals())

    def fetcher(self, pause: float = 0.0, hosts: set[str] | None = None, timeout: float = 0.5) -> Fetcher:
        allowed = (lambda _: True) if hosts is None else hosts.__contains__
        return Fetcher(self.folder / "cache", CONTACT, allowed, pause, 0.01, timeout, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.on_nap()


@pytest.fixture
def trip(tmp_path: Path, site: Site) -> Trip:
    return Trip(tmp_path / "work", site)


def test_the_largest_picture_is_taken(trip: Trip, site: Site) -> None:
    (row,) = trip.collect("7", images="#gallery img, #gallery a")
    data = picture(120, 90, 7)
    assert row.source == f"{site.url}/image/120x90/7.jpg"
    assert (row.width, row.height, row.bytes, row.problem) == (120, 90, len(data), None)
    assert row.sha256 == hashlib.sha256(data).hexdigest()
    assert (trip.folder / str(row.file)).read_bytes() == data
    assert (row.page, row.part, row.etag) == (f"{site.url}/parts/7", "7", '"120-7"')
    assert row.found == datetime.date.today().isoformat()
    # The smaller picture of a srcset is not asked for, nor is what the selector leaves out.
    assert site.asked == {
        "/robots.txt": 1,
        "/parts/7": 1,
        **{f"/image/{size}/7.jpg": 1 for size in ("40x30", "20x20", "120x90", "90x90")},
    }


def test_a_work_folder_that_was_only_collected_into_is_no_source(trip: Trip) -> None:
    trip.collect("7")
    with pytest.raises(UsageError, match="is a work folder, not a source"):
        read_sources([trip.folder])
    assert list(read_sources([trip.folder.parent])) == []


def test_it_says_who_it_is(trip: Trip, site: Site) -> None:
    trip.collect("7")
    assert len(site.agents) == 1
    (agent,) = site.agents
    assert agent.startswith("minifaces/")
    assert agent.endswith(f"(+{CONTACT})")


@pytest.mark.parametrize("contact", ["", "me", "me@here", "a b@example.org", "me@example.org\nX: y"])
def test_a_contact_is_needed(tmp_path: Path, contact: str) -> None:
    with pytest.raises(UsageError, match="--contact"):
        Fetcher(tmp_path, contact)


def test_json_pages(trip: Trip, site: Site) -> None:
    (row,) = trip.collect("3", page=f"{site.url}/data/{{part}}", images=None, json="$.images[*].url")
    assert (row.source, row.width, row.height) == (f"{site.url}/image/200x100/3.jpg", 200, 100)


def test_direct_pictures(trip: Trip, site: Site) -> None:
    rows = trip.collect("1", "2", page=f"{site.url}/image/40x40/{{part}}.jpg", images=None)
    assert [row.source for row in rows] == [f"{site.url}/image/40x40/{n}.jpg" for n in (1, 2)]
    assert rows[0].page is None


def test_page_urls_as_parts(trip: Trip, site: Site) -> None:
    (row,) = trip.collect(f"{site.url}/parts/5", page=None)
    assert row.width == 120


def test_base_and_data_src(trip: Trip, site: Site) -> None:
    (row,) = trip.collect("based")
    assert row.source == f"{site.url}/image/33x22/1.jpg"


def test_robots_txt_is_obeyed(trip: Trip, site: Site) -> None:
    rows = trip.collect("1", "private", page=f"{site.url}/private/{{part}}")
    assert {row.problem for row in rows} == {"is not for robots: the site's robots.txt says so"}
    assert site.asked == {"/robots.txt": 1}


def test_robots_txt_holds_for_pictures_too(trip: Trip, site: Site) -> None:
    (row,) = trip.collect("private")
    assert row.problem == f"{site.url}/private/1 is not for robots: the site's robots.txt says so"
    assert "/private/1" not in site.asked


def test_robots_txt_may_name_us(trip: Trip, site: Site) -> None:
    site.robots = "User-agent: minifaces\nDisallow: /\n\nUser-agent: *\nAllow: /\n"
    (row,) = trip.collect("1")
    assert row.problem is not None
    assert site.asked == {"/robots.txt": 1}


def test_no_robots_txt_no_rules(trip: Trip, site: Site) -> None:
    site.robots = 404
    assert trip.collect("1")[0].problem is None


def test_without_its_robots_txt_a_site_is_left_alone(trip: Trip, site: Site) -> None:
    site.robots = 503
    assert trip.collect("1") == []
    assert trip.told == [
        ("1", f"is put off: waits for the robots.txt of 127.0.0.1:{site.port}, which answers 503, after 4 tries")
    ]
    assert set(site.asked) == {"/robots.txt"}
    site.robots = "User-agent: *\nAllow: /\n"
    assert trip.collect("1")[0].problem is None  # later, all is well


def test_requests_keep_their_distance(trip: Trip, site: Site) -> None:
    trip.collect("1", "2", pause=1000.0, images="#gallery img")
    assert len(trip.naps) == site.asked.total() - 1
    assert all(900 < nap <= 1000 for nap in trip.naps)


def test_a_crawl_delay_is_kept(trip: Trip, site: Site) -> None:
    site.robots = "User-agent: *\nCrawl-delay: 1000\n"
    trip.collect("1", pause=1.0)
    assert all(900 < nap <= 1000 for nap in trip.naps)


def test_redirects_are_followed(trip: Trip, site: Site) -> None:
    (row,) = trip.collect("4", page=f"{site.url}/old/{{part}}")
    assert row.source == f"{site.url}/image/120x90/4.jpg"
    assert row.page == f"{site.url}/old/4"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/loop", "leads on and on, through more than 5 redirects"),
        ("/file", "leads to file:///etc/passwd, which is not on the web"),
        (
            "/elsewhere/1",
            "lies at localhost, which the recipe does not name: if it should, add it to `hosts`, use --again",
        ),
        ("/oops", "leads to http://[oops, which is no URL"),
        ("/parts/unknown", "answers 404"),
        ("/words.jpg", "is not a picture that can be read: give a PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF or PPM"),
        ("/endless.jpg", "has more than 0.1 MB"),
    ],
)
def test_what_cannot_be_had_is_listed(trip: Trip, site: Site, path: str, problem: str) -> None:
    url = site.url + path
    (row,) = trip.collect(url, page=None, images=None, most_bytes=100_000)
    assert (row.source, row.part, row.problem, row.file) == (url, url, problem, None)
    assert trip.told == [(url, problem)]


def test_an_odd_page_does_not_keep_the_others(trip: Trip, site: Site) -> None:
    rows = trip.collect("half", "deep", "1", page=f"{site.url}/data/{{part}}", images=None, json="$..url")
    assert [row.problem for row in rows] == [
        "offers no picture where the recipe looks",
        "is JSON that is nested too deep for the recipe's JSONPath",
        None,
    ]


def test_a_host_that_cannot_be(trip: Trip) -> None:
    host = f"{'a' * 70}.example"  # a label of a host's name has 63 letters at most
    rows = trip.collect(f"http://{host}/a.jpg", f"{trip.site.url}/same.jpg", page=None, images=None)
    assert [row.problem for row in rows] == [None]
    ((_, told),) = trip.told
    assert told.startswith(f"is put off: waits for the robots.txt of {host}, which is no URL")


def test_other_hosts_must_be_named(trip: Trip, site: Site) -> None:
    (row,) = trip.collect("other-host")
    assert "pictures.example, which the recipe does not name" in str(row.problem)
    elsewhere = f"{site.url}/elsewhere/{{part}}"
    assert trip.collect("6", page=elsewhere)[-1].problem is not None
    rows = trip.collect("6", page=elsewhere, hosts=["LOCALHOST"], again=True)
    assert [row.problem is None for row in rows if row.part == "6"] == [False, True]


def test_larger_pictures_on_other_hosts_are_told_of(trip: Trip, site: Site) -> None:
    """Once of each host; and once it is allowed, it is asked."""
    assert [row.problem for row in trip.collect("two-hosts", "two-hosts-too")] == [None, None]
    ((part, told),) = trip.told
    assert part == "two-hosts"
    assert "pictures at pictures.example too, which the recipe does not name" in told
    with trip.fetcher(hosts=set()) as fetcher, pytest.raises(RefusedError):
        fetcher.get(f"{site.url}/image/9x9/1.jpg", 100_000)
    with trip.fetcher() as fetcher:
        assert fetcher.get(f"{site.url}/image/9x9/1.jpg", 100_000).data


def test_a_truncated_picture_loses_to_a_whole_one(trip: Trip, site: Site) -> None:
    whole, broken = trip.collect("truncated", "only-truncated")
    assert whole.source == f"{site.url}/image/10x10/3.jpg"
    assert "/truncated.jpg is damaged (" in str(broken.problem)


def test_a_page_without_pictures(trip: Trip) -> None:
    (row,) = trip.collect("empty")
    assert row.problem == "offers no picture where the recipe looks"


def test_a_picture_of_two_parts_is_fetched_once(trip: Trip, site: Site) -> None:
    first, second = trip.collect("same-a", "same-b")
    assert first.problem is None
    assert second.problem == f"offers a picture that is listed already: {site.url}/same.jpg"
    assert site.asked["/same.jpg"] == 1


def test_a_busy_site_is_asked_again_when_it_says(trip: Trip, site: Site) -> None:
    (row,) = trip.collect(f"{site.url}/busy.jpg", page=None, images=None)
    assert row.width == 70
    assert site.asked["/busy.jpg"] == 3
    assert [nap for nap in trip.naps if nap > 1] == [7.0, 7.0]


def test_retry_after_as_a_date(trip: Trip, site: Site) -> None:
    site.busy = 1
    site.retry_after = email.utils.format_datetime(
        datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60), usegmt=True
    )
    trip.collect(f"{site.url}/busy.jpg", page=None, images=None)
    assert any(55 < nap <= 60 for nap in trip.naps)


def test_a_site_that_wants_an_hour_gets_it(trip: Trip, site: Site) -> None:
    with pytest.raises(MinifacesError, match="asks to wait 60 minutes: run the same command after that"):
        trip.collect("1", f"{site.url}/later.jpg", "2")
    assert [row.part for row in Work(trip.folder).originals()] == ["1"]


@pytest.mark.parametrize("path", ["/error.jpg", "/slow.jpg", "/broken.jpg"])
def test_what_fails_now_is_put_off(trip: Trip, site: Site, path: str) -> None:
    url = site.url + path
    rows = trip.collect(url, f"{site.url}/same.jpg", page=None, images=None)
    assert [row.source for row in rows] == [f"{site.url}/same.jpg"]
    ((part, reason),) = trip.told
    assert part == url
    assert reason.startswith("is put off: ")
    assert site.asked[path] == 4
    naps = trip.naps[:3]
    assert naps == sorted(naps)  # longer each time


def test_what_was_put_off_comes_later(trip: Trip, site: Site) -> None:
    url = f"{site.url}/broken.jpg"
    assert trip.collect(url, page=None, images=None) == []
    site.broken = False
    assert [row.source for row in trip.collect(url, page=None, images=None)] == [url]


def test_a_dead_site_ends_the_run(trip: Trip) -> None:
    parts = [f"http://127.0.0.1:9/{n}.jpg" for n in range(9)]
    with pytest.raises(MinifacesError, match="5 parts in a row could not be had"):
        trip.collect(*parts, page=None, images=None)


def test_a_second_run_asks_for_nothing(trip: Trip, site: Site) -> None:
    first = trip.collect("1", "2", "words", "unknown")
    asked = dict(site.asked)
    assert trip.collect("1", "2", "words", "unknown") == first
    assert site.asked == asked


def test_an_interrupted_run_asks_for_nothing_twice(trip: Trip, site: Site) -> None:
    """Interrupted before each of its requests in turn, it comes to what it comes to in one go."""
    parts = ("1", "2", "words", "unknown", "3")
    whole = Trip(trip.folder.with_name("whole"), site).collect(*parts, pause=1.0)
    asked = dict(site.asked)
    site.asked.clear()

    def interrupt() -> None:
        raise KeyboardInterrupt

    interrupts = 0
    trip.on_nap = interrupt  # it naps before every request but its first
    while True:
        try:
            rows = trip.collect(*parts, pause=1.0)
            break
        except KeyboardInterrupt:
            interrupts += 1
    assert interrupts > 8
    assert rows == whole
    assert site.asked == asked


def test_again_asks_anew_for_what_could_not_be_had(trip: Trip, site: Site) -> None:
    trip.collect("unknown", "1")
    asked = site.asked["/parts/unknown"]
    rows = trip.collect("unknown", "1", again=True)
    assert site.asked["/parts/unknown"] == asked + 1
    assert site.asked["/parts/1"] == 1
    assert len(rows) == 2  # the same problem is not listed twice


def test_again_asks_anew_for_pages_without_pictures_and_for_what_was_none(trip: Trip, site: Site) -> None:
    parts = ("empty", "words", f"{site.url}/words.jpg")
    trip.collect(*parts)
    asked = dict(site.asked)
    rows = trip.collect(*parts, again=True)
    # In one run nothing is asked for twice, though two parts offer it.
    assert site.asked == {**{path: 2 * n for path, n in asked.items()}, "/robots.txt": 1}
    assert len(rows) == 3


def test_again_leaves_alone_what_is_listed_already(trip: Trip, site: Site) -> None:
    """Two parts with one picture, and two with pictures of the same bytes."""
    page = {"page": f"{site.url}/twin/{{part}}.jpg", "images": None}
    rows = [*trip.collect("same-a", "same-b")[:2], *trip.collect("1", "2", **page)[2:]]
    assert [row.problem is None for row in rows] == [True, False, True, False]
    assert rows[3].problem == f"holds the same bytes as {rows[2].id}"
    assert [row.id for row in rows[1::2]] == [row.id for row in rows[::2]]
    asked = dict(site.asked)
    assert trip.collect("same-a", "same-b", again=True) == rows
    assert trip.collect("1", "2", again=True, **page) == rows
    assert site.asked == asked


def test_the_cache_is_asked_first(trip: Trip, site: Site) -> None:
    with trip.fetcher() as fetcher:
        url = f"{site.url}/image/40x40/1.jpg"
        first = fetcher.get(url, 100_000)
        assert fetcher.get(url, 100_000) == first
        assert first.etag == '"40-1"'
        for _ in range(2):
            with pytest.raises(RefusedError, match="answers 404"):
                fetcher.get(f"{site.url}/nothing", 100_000)
        with pytest.raises(LaterError):
            fetcher.get(f"{site.url}/error.jpg", 100_000)
    assert site.asked["/image/40x40/1.jpg"] == 1
    assert site.asked["/nothing"] <= 1


def test_a_clock_that_was_set_back_keeps_nothing_fresh_for_ever(trip: Trip, site: Site) -> None:
    trip.collect("7")
    for path in (trip.folder / "cache").rglob("*.json"):
        kept = json.loads(path.read_text())
        path.write_text(json.dumps({**kept, "time": kept["time"] + 1e8}))
    with trip.fetcher() as fetcher:
        for _ in range(2):
            fetcher.get(f"{site.url}/parts/7", 10_000, again=True)
    assert (site.asked["/robots.txt"], site.asked["/parts/7"]) == (2, 2)
