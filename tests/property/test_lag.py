"""The searched lag against the plain definition, on random rasters."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from snnhub.compare.lag import Train, overlap, search

RASTERS = st.tuples(st.integers(1, 14), st.integers(1, 14), st.integers(1, 3)).flatmap(
    lambda size: st.tuples(
        arrays(np.uint8, (size[0], size[2]), elements=st.integers(0, 1)),
        arrays(np.uint8, (size[1], size[2]), elements=st.integers(0, 1)),
    )
)


def plain(a: np.ndarray, b: np.ndarray, lag: int) -> tuple[int, int]:
    """Coincident spikes and all spikes, bin by bin: a spike before the other recording began has no counterpart,
    one behind its end is not looked at.
    """
    both = either = 0
    for step in range(-40, 40):
        in_a, in_b = step < len(a), step + lag < len(b)
        if not (in_a and in_b):
            continue
        for neuron in range(a.shape[1]):
            left = step >= 0 and a[step, neuron] > 0
            right = step + lag >= 0 and b[step + lag, neuron] > 0
            both += left and right
            either += left or right
    return both, either


@given(RASTERS, st.integers(-16, 16))
def test_overlap_is_what_it_says(pair: tuple[np.ndarray, np.ndarray], lag: int) -> None:
    a, b = pair
    found = overlap(Train.of(a), Train.of(b), lag)
    assert (found.both, found.either) == plain(a, b, lag)


@given(RASTERS)
def test_the_lag_turns_round_with_the_recordings(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = map(Train.of, pair)
    there, back = search(a, b), search(b, a)
    assert there.used.lag == -back.used.lag
    assert (there.used.both, there.used.either) == (back.used.both, back.used.either)
    assert there.ties == tuple(sorted(-lag for lag in back.ties))


@given(RASTERS)
def test_a_used_lag_is_the_only_best_one(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = pair
    used = search(Train.of(a), Train.of(b)).used
    if not used.lag:
        return
    shares = {lag: plain(a, b, lag) for lag in range(-16, 17)}
    enough = {lag: both / either for lag, (both, either) in shares.items() if both >= 2}
    assert used.lag in enough
    assert all(share < enough[used.lag] for lag, share in enough.items() if lag != used.lag)
    assert min(int(np.count_nonzero(a)), int(np.count_nonzero(b))) >= 2
