"""Training small networks: batches that another process draws, and that what is kept has learnt."""

import itertools
import operator

import pytest
import torch
from torch import nn

from minifaces.instruments import convnets
from minifaces.vae.device import bfloat16_pays


def test_batches_drawn_ahead_come_in_order_until_the_time_is_over() -> None:
    shares, drawn = zip(*convnets.drawn_ahead(operator.neg, 0.01), strict=True)
    assert drawn == tuple(-1 - i for i in range(len(drawn)))
    assert shares[0] == 0
    assert all(a <= b < 1 for a, b in itertools.pairwise(shares))


def test_without_time_there_is_one_batch() -> None:
    assert list(convnets.drawn_ahead(operator.neg, 0)) == [(0.0, -1)]


def test_planes_are_channels_first_between_0_and_1() -> None:
    pictures = torch.arange(24, dtype=torch.uint8).reshape(1, 2, 4, 3) * 11
    made = convnets.planes(pictures.numpy())
    assert made.shape == (1, 3, 2, 4)
    torch.testing.assert_close(made[0, :, 1, 2], pictures[0, 1, 2].float() / 255)
    assert made.is_contiguous(memory_format=torch.channels_last)


def test_half_precision_is_a_matter_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert bfloat16_pays(torch.device("cuda"))
    assert not bfloat16_pays(torch.device("cpu"))


def test_what_is_kept_is_the_average_of_many_steps_and_the_last_of_few() -> None:
    asked = torch.tensor([[[[1.0]], [[-2.0]]]])
    given = torch.ones(1, 3, 1, 1)

    def losses(told: torch.Tensor, _: None) -> dict[str, torch.Tensor]:
        return {"square": (told - asked).square().mean(), "nothing": torch.zeros(())}

    for steps in (10, 200):
        told: list[tuple[int, dict[str, float], float]] = []
        torch.manual_seed(0)
        start = nn.Conv2d(3, 2, 1)
        batches = ((i / steps, given, None) for i in range(steps))
        pace = convnets.Pace(peak=0.05, decay=0.0, average=0.9)
        network = convnets.train(start, batches, losses, pace, lambda *facts: told.append(facts))  # noqa: B023
        assert not network.training
        assert [step for step, _, _ in told] == list(range(1, steps + 1))
        assert told[-1][1]["square"] < told[0][1]["square"]
        assert told[-1][1]["nothing"] == 0
        assert (network is start) == (steps == 10)
    assert (network(given) - asked).abs().max() < 0.05
