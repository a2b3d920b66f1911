"""Training configurations. A preset is a whole configuration; changed fields are checked, unknown ones refused."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from minifaces.errors import UsageError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=1e6)]
Width = Annotated[int, Field(ge=8, le=1024, multiple_of=8)]
Weight = Annotated[float, Field(ge=0, le=1e6)]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Network(Strict):
    """`kind` "seed" is the 2020 system as it was; "residual" scales: a stem of pixel-unshuffle down to 32 x 32,
    then one residual level a width, each half the size of the one before; `depths` blocks each in the encoder, which
    looks `looks` times (see `minifaces.studio.looks`)."""

    kind: Literal["seed", "residual"] = "residual"
    image_size: Literal[32, 64, 128, 256] = 128
    latent_size: Annotated[int, Field(ge=2, le=1024)] = 128
    widths: tuple[Width, ...] = (48, 80, 144, 256)
    depths: tuple[Annotated[int, Field(ge=1, le=16)], ...] = ()
    norm: Literal["batch", "group"] = "batch"
    looks: Annotated[int, Field(ge=1, le=8)] = 1

    @model_validator(mode="after")
    def _sound(self) -> "Network":
        if self.kind == "seed" and self.image_size != 64:
            raise ValueError("the seed network takes 64 px pictures only")
        if self.kind == "seed" and self.looks != 1:
            raise ValueError("the seed network looks once")
        if self.kind == "residual" and not 2 <= len(self.widths) <= 5:
            raise ValueError("2 to 5 widths wanted: the grid of 32 x 32 is halved between them")
        if self.depths and len(self.depths) != len(self.widths):
            raise ValueError(f"{len(self.widths)} widths want as many depths, or none")
        return self


class Loss(Strict):
    """`kind` "seed": 10000 x mean squared error + KL. "calibrated": Gaussian likelihood with the best shared sigma
    (Rybkin et al. 2021) and a gradient term, the print region weighing `print_weight` times more."""

    kind: Literal["seed", "calibrated"] = "calibrated"
    beta: Positive = 1.0
    warm_up: Share = 0.1
    gradient: Weight = 0.25
    print_weight: Weight = 3.0
    similarity: Weight = 1.0


class Optimiser(Strict):
    """AdamW, which without weight decay is Adam."""

    batch: Annotated[int, Field(ge=1, le=65536)] = 32
    learning_rate: Positive = 7e-4
    schedule: Literal["constant", "cosine"] = "cosine"
    beta2: Share = 0.99  # Adam's second decay rate
    epsilon: Positive = 1e-8
    weight_decay: Weight = 0.01
    clip: Weight = 1.0  # of the gradient's norm; 0 for none
    ema: Share = 0.998  # of the weights that are exported; 0 exports the last ones


class Data(Strict):
    """How faces are composed for training (a folder of pictures is taken as it is), and in how many steps each serves:
    more than one where a GPU trains faster than the processor composes. Collages come from a bank of so many, which is
    made anew now and then: each takes 6 ms."""

    recombined: Share = 0.5
    collaged: Share = 0.3
    collages: Annotated[int, Field(ge=1, le=100_000)] = 512
    photolike: Share = 0.2
    varied: bool = True
    uses: Annotated[int, Field(ge=1, le=16)] = 1
    faces_per_epoch: Annotated[int, Field(ge=1)] = 3800


class Fits(Strict):
    """How many faces the fits that follow training are shown, a folder's as far as it has so many: the Gaussian mixture
    `mixture_faces`, and `held_out_faces` to choose how many components it has; the edit directions `known_faces`, of
    which attributes are known. Fewer make a test's model in a moment."""

    mixture_faces: Annotated[int, Field(ge=100, le=1_000_000)] = 12_000
    held_out_faces: Annotated[int, Field(ge=100, le=1_000_000)] = 2000
    known_faces: Annotated[int, Field(ge=100, le=1_000_000)] = 16_000


class FlowPrior(Strict):
    """The flow that new faces are drawn from, fitted after training to the latents of `faces` faces (of a folder each
    training picture once), which fall into `kinds`; 0 steps leave it out."""

    steps: Annotated[int, Field(ge=0, le=1_000_000)] = 9000
    faces: Annotated[int, Field(ge=100, le=1_000_000)] = 30_000
    batch: Annotated[int, Field(ge=1, le=65536)] = 512
    width: Annotated[int, Field(ge=8, le=4096)] = 384
    blocks: Annotated[int, Field(ge=1, le=64)] = 4
    kinds: Annotated[int, Field(ge=1, le=4096)] = 256


class EditorFit(Strict):
    """The network that edits composed faces, fitted after training to pairs made of `faces` faces, some 8 of each."""

    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 6000
    faces: Annotated[int, Field(ge=100, le=1_000_000)] = 3000
    batch: Annotated[int, Field(ge=1, le=65536)] = 512
    width: Annotated[int, Field(ge=8, le=4096)] = 256
    blocks: Annotated[int, Field(ge=1, le=64)] = 2


class Config(Strict):
    """A whole training configuration."""

    preset: str = "default"
    epochs: Annotated[float, Field(gt=0, le=1e6)] = 100
    network: Network = Network()
    loss: Loss = Loss()
    optimiser: Optimiser = Optimiser()
    data: Data = Data()
    fits: Fits = Fits()
    flow: FlowPrior = FlowPrior()
    editor: EditorFit = EditorFit()


PRESETS = {
    "default": Config(network=Network(latent_size=192, depths=(3, 3, 2, 1), looks=2)),
    "seed": Config(
        preset="seed",
        epochs=200,
        network=Network(kind="seed", image_size=64, latent_size=200, widths=()),
        loss=Loss(kind="seed", warm_up=0, gradient=0, print_weight=0, similarity=0),
        optimiser=Optimiser(  # Keras' Adam
            batch=32, learning_rate=5e-4, schedule="constant", beta2=0.999, epsilon=1e-7, weight_decay=0, clip=0, ema=0
        ),
        data=Data(recombined=0, collaged=0, photolike=0, varied=False),
        flow=FlowPrior(steps=0),
    ),
}


def preset(name: str, **changes: Any) -> Config:
    """A preset with changed fields, named with dots for nested ones: preset("default", **{"network.image_size": 64}).

    Raises UsageError for an unknown preset or field, or an impossible value."""
    if name not in PRESETS:
        raise UsageError(f"there is no preset {name!r}: choose one of {', '.join(PRESETS)}")
    values = PRESETS[name].model_dump()
    for path, value in changes.items():
        *rooms, field = path.split(".")
        room = values
        for r in rooms:
            if not isinstance(room.get(r), dict):
                raise UsageError(f"there is no setting {path!r}")
            room = room[r]
        room[field] = value
    if "network.widths" in changes and "network.depths" not in changes:
        values["network"]["depths"] = ()  # the preset's are for its own widths
    return checked(values)


def checked(values: Any) -> Config:
    """A configuration from plain values (JSON), or UsageError with the first thing that is wrong."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(".".join(str(p) for p in first["loc"]).split()) or "configuration"
        raise UsageError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None
