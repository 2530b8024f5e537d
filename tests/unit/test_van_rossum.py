"""The distance of van Rossum in one pass, against the sum over all pairs of spikes."""

from __future__ import annotations

import numpy as np
import pytest

from archive.experiment.van_rossum import distance_terms


def slowly(
    train: list[int], time: list[float], second: list[bool], tau: float
) -> tuple[float, float]:
    apart = most = 0.0
    for i, one in enumerate(zip(train, time, second, strict=True)):
        for j, other in enumerate(zip(train, time, second, strict=True)):
            if one[0] != other[0]:
                continue
            near = np.exp(-abs(time[i] - time[j]) / tau) / 2
            apart += near if one[2] == other[2] else -near
            most += near if one[2] == other[2] else 0.0
    return apart, most


@pytest.mark.parametrize("count", [1, 2, 3, 10, 37, 200])
@pytest.mark.parametrize("tau", [0.1, 10.0, 1e4])
def test_one_pass_is_the_sum_over_pairs(count: int, tau: float) -> None:
    rng = np.random.default_rng(count)
    train, time = rng.integers(0, 4, count), rng.uniform(0, 100, count).round(1)
    order = np.lexsort((time, train))
    train, time, second = train[order], time[order], rng.random(count) < 0.5
    found = distance_terms(train, time, second, tau)
    wanted = slowly(train.tolist(), time.tolist(), second.tolist(), tau)
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_known_distances() -> None:
    train = np.zeros(2)
    both = np.array([False, True])
    assert distance_terms(train, np.array([5.0, 5.0]), both, 10) == (0.0, 1.0)  # the same spike
    assert distance_terms(train[:1], np.array([5.0]), both[1:], 10) == (0.5, 0.5)  # one more
    assert distance_terms(train, np.array([0.0, 1e6]), both, 10) == (1.0, 1.0)  # far apart
    assert distance_terms(np.empty(0), np.empty(0), np.empty(0, bool), 10) == (0.0, 0.0)


def test_a_small_shift_is_not_lost_among_many_spikes() -> None:
    time = np.repeat(np.arange(100_000.0), 2)
    second = np.tile([False, True], 100_000)
    train = np.zeros(len(time))
    assert distance_terms(train, time, second, 10)[0] == 0
    time[-1] += 1e-9
    apart = distance_terms(train, time, second, 10)[0]
    assert apart == pytest.approx(1e-10, rel=1e-5)
