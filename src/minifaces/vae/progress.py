"""How far a training run is, and how long it is to be."""

from dataclasses import dataclass

TIMED = 10  # steps that tell how fast this machine is, where a run is to take some minutes ...
CLOCKED = 0.02  # of these minutes that they take at least: a moment says little where other work comes and goes
UNTIMED = 3  # ... after the first ones, which warm up


@dataclass
class Progress:
    """A run is as many `steps` as it was told to be, or as fit in `minutes`."""

    steps: int = 0
    """0 as long as it is not known"""
    minutes: float | None = None
    step: int = 0
    """that were done"""
    seconds: float = 0.0
    """that they took"""
    timed: int = 0
    """steps that were timed to find out how many fit"""
    clocked: float = 0.0
    """seconds that those took"""
    setbacks: int = 0
    """how often the loss became no number: each halves the learning rate"""

    @property
    def finished(self) -> bool:
        return 0 < self.steps <= self.step

    @property
    def share(self) -> float:
        """Of the run that is over, 0 to 1; 0 as long as its length is not known."""
        return self.step / self.steps if self.steps else 0.0

    def count(self, seconds: float) -> None:
        """A step was done in so many seconds."""
        self.step += 1
        self.seconds += seconds

    def set_back(self, step: int) -> None:
        """What was done since `step` is to be done again."""
        self.step = step
        self.setbacks += 1

    def clock(self, seconds: float, number: int, helpers: int) -> int:
        """Count the last step, the `number`-th since this process began, among those that tell how fast this machine
        is: it took so many seconds, and batches come from so many `helpers`. -> of how many steps the run should be, or
        0 as long as too few were timed to tell."""
        # What helpers have made while the first ones warmed up says nothing of how fast they are.
        if self.minutes is None or number <= UNTIMED + 2 * helpers:
            return 0
        self.timed, self.clocked = self.timed + 1, self.clocked + seconds
        if self.timed < TIMED + 4 * helpers or self.clocked < CLOCKED * 60 * self.minutes:
            return 0
        return max(self.step + 1, round(self.minutes * 60 * self.timed / self.clocked))
