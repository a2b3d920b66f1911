"""Collect pictures from a catalogue site: for each part its page, and of the pictures there the largest.

    with Fetcher(work.folder / "cache", contact) as fetcher:
        collect(work, read_parts(Path("parts.csv")), read_recipe(Path("recipe.toml")), fetcher)

Every part that is done has a line in the manifest, with a picture or with the reason why there is none. A part that a
server was out of order for has none and is asked for again next time."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from minifaces.errors import MinifacesError, UsageError
from minifaces.photos.fetch import ElsewhereError, Fetcher, LaterError, RefusedError
from minifaces.photos.found import Found, mark
from minifaces.photos.pipeline import LOST, Done, Job, Plan, work_up
from minifaces.photos.recipe import Recipe, offered
from minifaces.photos.workfolder import Work
from minifaces.photos.writer import Counts, Writer
from minifaces.workers import Pool, open_pool, work_through

_PAGE_BYTES = 5_000_000
_MOST_IN_A_ROW = 5
"""Parts in a row that are put off before it is clear that the site, or the network, is out of order."""


def collect(
    work: Work,
    parts: Collection[str],
    recipe: Recipe,
    fetcher: Fetcher,
    again: bool = False,
    update: Callable[[int], None] = lambda _: None,
    tell: Callable[[str, str], None] = lambda *_: None,
) -> Counts:
    """Collect what is not in the work folder yet; with `again`, also ask anew for what could not be had.

    `update` is told how many parts are done, `tell` of each one without a picture and why.
    Raises MinifacesError where a site is out of order or wants to be left alone: what was collected is kept."""
    with work.locked(), open_pool(1) as pool, Writer(work, work.settings, tell) as writer:
        collector = _Collector(work, recipe, fetcher, pool, again, tell)
        in_a_row = 0
        for number, part in enumerate(parts, start=1):
            if part not in collector:
                try:
                    found, done = collector.fetch(part)
                except LaterError as error:
                    in_a_row += 1
                    tell(part, f"is put off: {error}")
                    if in_a_row == _MOST_IN_A_ROW:
                        raise MinifacesError(
                            f"{in_a_row} parts in a row could not be had: the last {error}; "
                            "run the same command later to go on"
                        ) from None
                else:
                    in_a_row = 0
                    writer.add(found, done)
                    collector.note(found, done)
            update(number)
    return writer.counts


def hosts_of(recipe: Recipe, parts: Collection[str]) -> set[str]:
    """The hosts that may be asked: those of the parts' pages, and those that the recipe names."""
    return {urlsplit(recipe.url(part)).hostname or "" for part in parts} | set(recipe.hosts)


class _Listed(NamedTuple):
    """A picture that the manifest lists."""

    area: int
    sha256: str


class _Collector:
    def __init__(
        self,
        work: Work,
        recipe: Recipe,
        fetcher: Fetcher,
        pool: Pool,
        again: bool,
        tell: Callable[[str, str], None],
    ) -> None:
        self._recipe = recipe
        self._fetcher = fetcher
        self._pool = pool
        self._again = again
        self._tell = tell
        self._elsewhere: set[str] = set()  # hosts that were told of
        self._done: set[int] = set()  # parts
        self._listed: dict[int, _Listed] = {}  # pictures in the manifest
        for row in work.originals():
            # A problem with an id is that the same picture is there already: asking again would change nothing.
            if row.part is not None and not (again and row.problem and row.id is None):
                self._done.add(mark(row.part))
            if row.sha256 is not None:
                self._listed[mark(row.source)] = _Listed((row.width or 0) * (row.height or 0), row.sha256)

    def __contains__(self, part: str) -> bool:
        return mark(part) in self._done

    def note(self, found: Found, done: Done) -> None:
        """Remember what is in the manifest now; the picture need not be kept twice."""
        if done.problem is None:
            self._listed[mark(found.source)] = _Listed(done.width * done.height, done.sha256)
            self._fetcher.forget(found.source)

    def fetch(self, part: str) -> tuple[Found, Done]:
        """The largest picture of a part, or why there is none. Raises LaterError."""
        url = self._recipe.url(part)
        try:
            offers = list(self._offers(url))
        except (RefusedError, UsageError) as error:
            return _nothing(url, part, str(error))
        page = url if self._recipe.images or self._recipe.json_path else None
        best: tuple[Found, Done] | None = None
        most, listed, reasons, elsewhere = 0, "", [], []
        for offer in offers:
            if (known := self._listed.get(mark(offer))) and known.area > most:
                best, most, listed = None, known.area, offer
                continue
            try:
                answer = self._fetcher.get(offer, self._recipe.most_bytes, self._again)
            except RefusedError as error:
                if isinstance(error, ElsewhereError):
                    elsewhere.append(error.host)
                reasons.append(f"{offer} {error}" if page else str(error))
                continue
            done = self._decode(offer, answer.data)
            if done.problem:
                reasons.append(f"{offer} {done.problem}" if page else done.problem)
            elif done.width * done.height > most:
                most, listed = done.width * done.height, ""
                best = Found(offer, answer.data, None, {}, answer.etag, page, part), done
        if best:
            self._tell_of(part, elsewhere)
            return best
        if listed:
            found, done = _nothing(url, part, f"offers a picture that is listed already: {listed}")
            return found, done._replace(sha256=self._listed[mark(listed)].sha256)
        return _nothing(url, part, "; ".join(reasons) or "offers no picture where the recipe looks")

    def _tell_of(self, part: str, hosts: list[str]) -> None:
        """Pictures that were passed over although the part has one: they may be larger. Once of each host."""
        for host in dict.fromkeys(hosts):
            if host not in self._elsewhere:
                self._elsewhere.add(host)
                self._tell(
                    part,
                    f"and maybe others offer pictures at {host} too, which the recipe does not name: if these should "
                    "count, add it to `hosts` and collect into a new folder",
                )

    def _offers(self, url: str) -> Iterator[str]:
        if self._recipe.images is None and self._recipe.json_path is None:
            yield url
            return
        answer = self._fetcher.get(url, _PAGE_BYTES, self._again)
        yield from offered(self._recipe, answer.data, answer.url)

    def _decode(self, source: str, data: bytes) -> Done:
        """In another process: whoever sent these bytes may mean harm."""
        step = partial(work_up, plan=Plan(0, "import"))
        return next(work_through(self._pool, step, [Job(source, data)], lambda _: LOST))


def _nothing(url: str, part: str, problem: str) -> tuple[Found, Done]:
    return Found(url, None, problem, part=part), Done(problem)
