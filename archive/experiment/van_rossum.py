"""The distance of van Rossum between spike trains, in time and memory linear in their spikes.

M. C. W. van Rossum, A novel spike distance, Neural Computation 13 (2001) 751-763: each spike
becomes an exponential that decays with `tau`, and D**2 = 1/tau * integral of (f - g)**2 dt. One
spike more is 1/2 then. As a sum over pairs of spikes it is 1/2 * sum of s_i s_j exp(-|t_i - t_j| /
tau), where s is 1 for one train and -1 for the other, and that sum takes one pass over all spikes
in their order (C. Houghton and T. Kreuz, On the efficient calculation of van Rossum distances,
Network 23 (2012) 48-58).
"""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def distance_terms(
    train: npt.NDArray[Any], time: Floats, second: npt.NDArray[np.bool_], tau: float
) -> tuple[float, float]:
    """The sum over trains of D(first, second)**2, and that of D(first, none)**2 + D(second,
    none)**2, which is the most that the former can be.

    Arrays of shape (spike,): the train of each, its time, and whether it is of the second;
    sorted by train, then time.
    """
    count = len(time)
    if not count:
        return 0.0, 0.0
    decay = np.zeros(count)
    same = train[1:] == train[:-1]
    np.exp(-np.diff(time) / tau, out=decay[1:], where=same)
    sign = np.where(second, -1.0, 1.0)
    apart = _summed(decay, sign)  # pairs within a train less those between them
    all_pairs = _summed(decay, np.ones(count))
    return max(0.0, apart), (apart + all_pairs) / 2


def _summed(decay: Floats, weight: Floats) -> float:
    """Sum over i of weight[i] * (weight[i] / 2 + m[i]), where m[i] = decay[i] * (m[i-1] +
    weight[i-1]). Two spikes at one time add exactly nothing.

    In chunks side by side: what is before a chunk adds to all in it, by the product of decays.
    """
    count = len(decay)
    length = isqrt(count - 1) + 1
    chunks = -(-count // length)
    a, x = np.zeros((2, chunks * length))
    a[:count], x[:count] = decay, weight
    a, x = (np.ascontiguousarray(v.reshape(chunks, length).T) for v in (a, x))
    own = np.zeros_like(a)
    for step in range(1, length):
        np.multiply(a[step], own[step - 1] + x[step - 1], out=own[step])
    reach = np.multiply.accumulate(a, axis=0)
    ends, passed = (own[-1] + x[-1]).tolist(), reach[-1].tolist()
    before = [0.0]
    for end, share in zip(ends[:-1], passed[:-1], strict=True):
        before.append(end + before[-1] * share)
    return float((x * (x / 2 + own + reach * np.array(before))).sum())
