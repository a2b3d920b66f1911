"""What can be asked of the API, as pydantic checks it and OpenAPI describes it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.datastructures import QueryParams

from minifaces.server.answers import Refusal

FACE = "A face: a name of the gallery (3626bp01), random:SEED, avatar:TEXT, or z:... as the explorer's links hold it."
_Seed = Annotated[int, Field(ge=0, lt=2**128)]
Face = Annotated[str, Field(max_length=1000, description=FACE, examples=["avatar:Ada"])]
Latent = Annotated[list[Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]], Field(max_length=4096)]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[Annotated[str, Field(max_length=100)]], BeforeValidator(_listed), Field(max_length=32)]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Portrait(Asked):
    size: int = Field(128, ge=16, le=512, description="Pixels a side.")
    background: str | None = Field(
        None,
        pattern=r"^(clear|#?[0-9a-fA-F]{6})$",
        description='What is behind the head: six hexadecimal digits, or "clear". As it is without it.',
    )


class Random(Asked):
    n: int = Field(1, ge=1, le=256, description="How many faces.")
    seed: _Seed | None = Field(None, description="The same faces every time; a fresh one without it.")
    temperature: float = Field(1.0, ge=0, le=100, description="Below 1 more ordinary, above 1 odder.")
    having: Names = Field([], alias="with", description="Attributes that all of them have, as eyewear or smile.")
    lacking: Names = Field([], alias="without", description="Attributes that none of them has.")
    head: str | None = Field(None, max_length=100, description="The colour of their heads, as medium nougat.")
    novelty: float | None = Field(None, ge=0, le=1, description="The share that is of two prints.")
    answer: Literal["png", "json"] = Field("json", description="A picture of all, or their references and latents.")


class Morph(Asked):
    faces: list[Face] = Field(min_length=2, max_length=16)
    steps: int = Field(30, ge=2, le=240, description="Pictures from each face to the next.")
    path: Literal["linear", "slerp", "density"] = "density"
    loop: bool = False
    answer: Literal["gif", "webp", "png"] = Field("webp", description="An animation, or a strip as PNG.")


class Decode(Asked):
    latents: list[Latent] = Field(min_length=1, max_length=256)
    answer: Literal["png"] = "png"


class Edit(Asked):
    face: Face
    amounts: dict[str, Annotated[float, Field(ge=-100, le=100)]] = Field(
        max_length=32, examples=[{"smile": 1, "eyewear": 1}], description="What is to change, and how much."
    )
    answer: Literal["png", "json"] = "png"


class Gallery(Asked):
    q: str = Field("", max_length=200, description="Words that name, description or attributes have.")
    offset: int = Field(0, ge=0, le=1_000_000)
    limit: int = Field(50, ge=1, le=500)


class Neighbours(Asked):
    face: Face
    k: int = Field(8, ge=1, le=100)


class Faces(Asked):
    face: Annotated[list[Face], BeforeValidator(_listed)] = Field(
        min_length=1, max_length=2, description="One face, or two with the way from one to the other."
    )


class Photo(Asked):
    face: int | None = Field(
        None, ge=0, le=24, description="Which of the photo's faces, from 1; 0 takes the whole picture. The plainest."
    )


def query(kind: type[Asked], params: QueryParams) -> Any:
    """What a query asks for. Raises Refusal, in one sentence, where it makes no sense."""
    values: dict[str, Any] = {}
    for key in params:
        given = params.getlist(key)
        field = next((field for name, field in kind.model_fields.items() if key == (field.alias or name)), None)
        many = field is not None and "list[" in str(field.annotation)
        if len(given) > 1 and not many:
            raise Refusal(400, f"{key} is given twice")
        values[key] = given if many else given[0]
    return checked(kind, values)


def checked(kind: type[Asked], values: Any, strict: bool = False) -> Any:
    """Values of the kind; `strict` takes no text for a number. Raises Refusal, in one sentence, where they are none."""
    try:
        return kind.model_validate(values, strict=strict)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the request"
        raise Refusal(400, f"{where}: {first['msg']}") from None
