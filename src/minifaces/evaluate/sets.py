"""The sets of faces that the parts of a report share, each composed or read, and encoded, when it is first needed.

sets = ComposedSets(128, share=1.0)
sets.unseen, sets.seen                # faces of test designs and of training designs
sets.real, sets.again                 # two draws of the training distribution, equally many"""

from pathlib import Path
from typing import Protocol

from minifaces.evaluate import testset
from minifaces.evaluate.testset import FaceSet
from minifaces.lazy import lazy

PER_DESIGN = 4  # faces of each unseen design
RANDOM = 1000  # faces of a set of random ones
FOLDER, KNOWN = 400, 10_000  # pictures of a split of a folder; of its training split where copies are looked for


class Sets(Protocol):
    """What a report is about."""

    composed: bool
    """whether of the faces everything is known"""

    @property
    def unseen(self) -> FaceSet:
        """Faces of designs that were not trained on."""
        ...

    @property
    def seen(self) -> FaceSet:
        """Faces of training designs."""
        ...

    @property
    def real(self) -> FaceSet:
        """A draw of the training distribution."""
        ...

    @property
    def again(self) -> FaceSet:
        """Another one, independent of it and as large."""
        ...

    @property
    def plain(self) -> FaceSet:
        """Training designs as they are, not recombined: how far two pictures of one design lie apart."""
        ...

    @property
    def train(self) -> FaceSet:
        """All the training faces that could be copied; or `real`, where there is no end of them."""
        ...


class ComposedSets:
    """Composed faces at `size` pixels; `share` below 1 takes so many fewer. `unseen` and `seen` are on test stages, the
    draws of the training distribution and `plain` on training stages."""

    composed = True

    def __init__(self, size: int, share: float) -> None:
        self.size, self.per_design = size, max(1, round(PER_DESIGN * share))
        self.count = max(50, round(RANDOM * share))

    @lazy
    def unseen(self) -> FaceSet:
        return testset.composed(self.size, "test", self.per_design)

    @lazy
    def seen(self) -> FaceSet:
        return testset.composed(self.size, "train", 1, seed=12, most=self.count)

    @lazy
    def real(self) -> FaceSet:
        return testset.drawn(self.size, "train", self.count, "train", seed=31, recombined=0.5)

    @lazy
    def again(self) -> FaceSet:
        return testset.drawn(self.size, "train", self.count, "train", seed=32, recombined=0.5)

    @lazy
    def plain(self) -> FaceSet:
        return testset.drawn(self.size, "train", 3 * self.count // 2, "train", seed=33, varied=False)

    @property
    def train(self) -> FaceSet:
        return self.real


class FolderSets:
    """Pictures of a data set on disk. The two draws are halves of what is seen, as like one another as two draws."""

    composed = False

    def __init__(self, folder: Path, size: int, share: float) -> None:
        self.folder, self.size, self.most = folder, size, max(50, round(FOLDER * share))

    @lazy
    def unseen(self) -> FaceSet:
        return testset.of_folder(self.folder, self.size, "test", self.most)

    @lazy
    def seen(self) -> FaceSet:
        return testset.of_folder(self.folder, self.size, "train", self.most)

    @lazy
    def real(self) -> FaceSet:
        return self.seen.every_second(0)

    @lazy
    def again(self) -> FaceSet:
        return self.seen.every_second(1)

    @property
    def plain(self) -> FaceSet:
        return self.seen

    @lazy
    def train(self) -> FaceSet:
        return testset.of_folder(self.folder, self.size, "train", KNOWN)
