"""Training configurations. A preset is a whole configuration; changed fields are checked, unknown ones refused."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from minifaces.errors import UsageError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=1e6)]
Width = Annotated[int, Field(ge=8, le=1024, multiple_of=8)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
Faces = Annotated[int, Field(ge=100, le=1_000_000)]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Network(Strict):
    """`kind` "seed" is the 2020 system as it was; "residual" scales: a stem of pixel-unshuffle by `fold`, then one
    residual level a width, each half the size of the one before."""

    kind: Literal["seed", "residual"] = "residual"
    image_size: Literal[32, 64, 128, 256] = 128  # pixels a side
    latent_size: Annotated[int, Field(ge=2, le=1024)] = 128  # d: numbers in a latent
    widths: tuple[Width, ...] = (48, 80, 144, 256)  # channels of each level, from the largest down
    depths: tuple[Annotated[int, Field(ge=1, le=16)], ...] = ()  # the encoder's blocks of each level; () is one each
    norm: Literal["batch", "group"] = "batch"  # group where batches are too small for statistics
    looks: Annotated[int, Field(ge=1, le=8)] = 1  # of the encoder at a picture, see minifaces.studio.looks

    @property
    def fold(self) -> int:
        """Pixels a side of the squares that the stem takes as one place."""
        return max(4, self.image_size // 32)

    @property
    def grid(self) -> int:
        """Places a side of the first level: 32, of pictures of 64 px 16, of 32 px 8."""
        return self.image_size // self.fold

    @model_validator(mode="after")
    def _sound(self) -> "Network":
        if self.kind == "seed" and self.image_size != 64:
            raise ValueError("the seed network takes 64 px pictures only")
        if self.kind == "seed" and self.looks != 1:
            raise ValueError("the seed network looks once")
        most = self.grid.bit_length() - 1
        if self.kind == "residual" and not 2 <= len(self.widths) <= most:
            raise ValueError(f"2 to {most} widths wanted: the grid of {self.grid} x {self.grid} is halved between them")
        if self.depths and len(self.depths) != len(self.widths):
            raise ValueError(f"{len(self.widths)} widths want as many depths, or none")
        return self


class Loss(Strict):
    """`kind` "seed": 10000 x mean squared error + KL. "calibrated": Gaussian likelihood with the best shared sigma
    (Rybkin et al. 2021) and two terms more; see `minifaces.vae.losses.total`."""

    kind: Literal["seed", "calibrated"] = "calibrated"
    beta: Positive = 1.0  # weight of KL; 1 is the ELBO
    warm_up: Share = 0.1  # of the run, over which KL's weight rises from 0
    gradient: Weight = 0.25  # weight of the difference of Sobel gradients: edges stay sharp
    print_weight: Weight = 3.0  # how much more than elsewhere an error weighs where the print is
    similarity: Weight = 1.0  # weight of 1 - SSIM: faint marks on dark heads count too


class Optimiser(Strict):
    """AdamW, which without weight decay is Adam."""

    batch: Annotated[int, Field(ge=1, le=65536)] = 32  # faces a step, of all processes together
    learning_rate: Positive = 7e-4  # at its peak
    schedule: Literal["constant", "cosine"] = "cosine"  # see minifaces.vae.train.learning_rate
    beta2: Share = 0.99  # Adam's second decay rate; 0.99 forgets sooner than 0.999, as short runs want
    epsilon: Positive = 1e-8  # Adam's
    weight_decay: Weight = 0.01  # a step, times the learning rate
    clip: Weight = 1.0  # of the gradient's norm; 0 for none
    ema: Share = 0.998  # of the weights that are exported; 0 exports the last ones


class Data(Strict):
    """How faces are composed for training; a folder of pictures is taken as it is."""

    recombined: Share = 0.5  # of the faces: the eyes of one design, the mouth of another
    collaged: Share = 0.3  # of the faces: pieces of several prints, from a bank of
    collages: Annotated[int, Field(ge=1, le=100_000)] = 512  # so many, made anew now and then: 6 ms each
    photolike: Share = 0.2  # of the faces are shown with a photograph's faults
    varied: bool = True  # whether prints are shifted, scaled and recoloured a little
    uses: Annotated[int, Field(ge=1, le=16)] = 1  # steps that a face serves in: more where a GPU outruns composing
    faces_per_epoch: Annotated[int, Field(ge=1)] = 3800  # as the 2020 project had photos


class FitSettings(Strict):
    """Settings of what is fitted after training by the module of `minifaces.fits` of the same name."""


class Mixture(FitSettings):
    """The Gaussian mixture."""

    faces: Faces = 12_000  # that it is fitted to; of a folder, as far as it has so many
    held_out: Faces = 2000  # of unseen designs, which choose how many Gaussians there are


class Parts(FitSettings):
    """The network that makes new faces of parts; learnt from composed faces alone."""

    steps: Annotated[int, Field(ge=0, le=1_000_000)] = 9000  # of training it; 0 leaves it out
    faces: Faces = 30_000  # that it is fitted to
    made: Annotated[int, Field(ge=0, le=100_000)] = 400  # prints beside the designs', put together of theirs
    looked_at: Annotated[int, Field(ge=0, le=100)] = 2  # stages on which it is seen whether prints come out
    probes: Annotated[int, Field(ge=1, le=10_000)] = 40  # faces that tell which errors of a latent show
    batch: Annotated[int, Field(ge=1, le=65536)] = 512  # faces a step
    code: Annotated[int, Field(ge=1, le=1024)] = 128  # numbers that stand for a part
    width: Annotated[int, Field(ge=8, le=4096)] = 384  # of the network's hidden layers
    blocks: Annotated[int, Field(ge=1, le=64)] = 3  # residual ones


class Flow(FitSettings):
    """The flow that new faces are drawn from where their parts are not known: of a folder of pictures."""

    steps: Annotated[int, Field(ge=0, le=1_000_000)] = 9000  # at most; 0 leaves the flow out
    faces: Faces = 30_000  # that it is fitted to; of a folder, each training picture once
    batch: Annotated[int, Field(ge=1, le=65536)] = 512  # latents a step
    width: Annotated[int, Field(ge=8, le=4096)] = 384  # of the network's hidden layers
    blocks: Annotated[int, Field(ge=1, le=64)] = 4  # residual ones
    clusters: Annotated[int, Field(ge=1, le=4096)] = 256  # of latents, which guide it; at least 100 faces each


class Directions(FitSettings):
    """The edit directions."""

    faces: Faces = 16_000  # of which attributes are known; of a folder, as far as it has so many


class Editor(FitSettings):
    """The network that edits faces; learnt from composed faces alone."""

    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 6000  # of training it
    faces: Faces = 3000  # that pairs are made of, some 8 of each
    batch: Annotated[int, Field(ge=1, le=65536)] = 512  # pairs a step
    width: Annotated[int, Field(ge=8, le=4096)] = 256  # of the network's hidden layers
    blocks: Annotated[int, Field(ge=1, le=64)] = 2  # residual ones


class Gallery(FitSettings):
    """The faces that a model knows by name: of composed faces all designs."""

    faces: Annotated[int, Field(ge=1, le=50_000)] = 2000  # of a folder at most


class Config(Strict):
    """A whole training configuration."""

    preset: str = "default"  # what it was before anything was changed
    epochs: Annotated[float, Field(gt=0, le=1e6)] = 100  # of data.faces_per_epoch, or of all pictures of a folder
    network: Network = Network()
    loss: Loss = Loss()
    optimiser: Optimiser = Optimiser()
    data: Data = Data()
    mixture: Mixture = Mixture()
    parts: Parts = Parts()
    flow: Flow = Flow()
    directions: Directions = Directions()
    editor: Editor = Editor()
    gallery: Gallery = Gallery()


FITS = tuple(name for name, value in Config() if isinstance(value, FitSettings))
"""what is fitted after training, in this order"""

SIZED = {
    32: Network(image_size=32, latent_size=128, widths=(48, 96), depths=(2, 2), looks=2),
    64: Network(image_size=64, latent_size=192, widths=(48, 80, 144), depths=(3, 3, 2), looks=2),
    128: Network(image_size=128, latent_size=192, widths=(48, 80, 144, 256), depths=(3, 3, 2, 1), looks=2),
    256: Network(image_size=256, latent_size=192, widths=(48, 80, 144, 256), depths=(3, 3, 2, 1), looks=2),
}
"""the default preset's network for pictures of each size: small ones cost less (docs/notes/model-notes.md). Widths are
multiples of 16, which processors take at once"""

PRESETS = {
    "default": Config(network=SIZED[128]),
    "seed": Config(
        preset="seed",
        epochs=200,
        network=Network(kind="seed", image_size=64, latent_size=200, widths=()),
        loss=Loss(kind="seed", warm_up=0, gradient=0, print_weight=0, similarity=0),
        optimiser=Optimiser(  # Keras' Adam
            batch=32, learning_rate=5e-4, schedule="constant", beta2=0.999, epsilon=1e-7, weight_decay=0, clip=0, ema=0
        ),
        data=Data(recombined=0, collaged=0, photolike=0, varied=False),
        parts=Parts(steps=0),
        flow=Flow(steps=0),
    ),
}


def preset(name: str, **changes: Any) -> Config:
    """A preset with changed fields (`changed`); of another picture size, with the network for that. Raises UsageError
    for an unknown preset too."""
    if name not in PRESETS:
        raise UsageError(f"there is no preset {name!r}: choose one of {', '.join(PRESETS)}")
    config, size = PRESETS[name], changes.get("network.image_size")
    if size in SIZED and config.network.kind == "residual":
        config = config.model_copy(update={"network": SIZED[size]})
    return changed(config, **changes)


def changed(config: Config, **changes: Any) -> Config:
    """A configuration with changed fields, named with dots for nested ones: changed(c, **{"network.image_size": 64}).

    Raises UsageError for an unknown field, or an impossible value."""
    values = config.model_dump()
    for path, value in changes.items():
        *groups, field = path.split(".")
        group = values
        for name in groups:
            if not isinstance(group.get(name), dict):
                raise UsageError(f"there is no setting {path!r}")
            group = group[name]
        group[field] = value
    if "network.widths" in changes and "network.depths" not in changes:
        values["network"]["depths"] = ()  # the preset's are for its own widths
    return checked(values)


def checked(values: Any, file: Path | None = None) -> Config:
    """A configuration from plain values (JSON), or UsageError with the first thing that is wrong, and the `file` that
    they were read from."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(".".join(str(p) for p in first["loc"]).split()) or "configuration"
        problem = f"{where}: {first['msg'].removeprefix('Value error, ')}"
        if file is not None:
            problem = f"{file} holds settings that this version of minifaces does not take ({problem}): train anew"
        raise UsageError(problem) from None
