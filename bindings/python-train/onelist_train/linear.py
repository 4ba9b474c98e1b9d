"""The linear part: feature weights fitted by a listwise softmax, as the engine fits them itself."""

import numpy as np
import torch
from numpy.typing import NDArray

from .rows import Rows

Doubles = NDArray[np.float64]
PULL = 1e-4
"""L2 regularisation towards the initial weights, against the mean loss of one request (as in the engine)."""
FEWEST = 100
"""Minimum requests of a cell to fit its weights, or to turn the network on in it."""
MOST = 6000
"""Maximum requests of a cell to fit its weights, the newest: a few dozen weights gain nothing from more."""
_STEPS, _HALVINGS, _ENOUGH = 25, 20, 1e-7
_CHUNK = 2048


def fit(features: NDArray[np.float32], there: NDArray[np.bool_], before: Doubles) -> Doubles:
    """The weights [F] that maximise the likelihood of candidate 0 of each request [N,K,F], by Newton's method."""
    weights, (value, slope, curvature) = before.copy(), _loss(features, there, before, before)
    for _ in range(_STEPS):
        step = np.linalg.solve(curvature, slope)
        for halving in range(_HALVINGS):
            tried = weights - step * 0.5**halving
            found = _loss(features, there, tried, before)
            if found[0] < value:
                break
        else:
            break
        gain = value - found[0]
        weights, (value, slope, curvature) = tried, found
        if gain < _ENOUGH:
            break
    return weights


def _loss(features: NDArray[np.float32], there: NDArray[np.bool_], weights: Doubles,
          before: Doubles) -> tuple[float, Doubles, Doubles]:  # fmt: skip
    """Loss, gradient and Hessian. Computed in PyTorch, which respects `Options.threads`."""
    n, width = len(features), len(weights)
    value, slope, curvature = 0.0, np.zeros(width), np.zeros((width, width))
    now = torch.from_numpy(weights.astype(np.float32))
    for start in range(0, n, _CHUNK):
        x = torch.from_numpy(features[start : start + _CHUNK])
        scores = (x @ now).masked_fill(torch.from_numpy(~there[start : start + _CHUNK]), -torch.inf)
        chance = torch.softmax(scores, 1)
        value += float((torch.logsumexp(scores, 1) - scores[:, 0]).sum())
        mean = torch.bmm(chance[:, None], x)[:, 0]
        slope += (mean - x[:, 0]).sum(0).double().numpy()
        flat = x.reshape(-1, width)
        curvature += ((flat * chance.reshape(-1, 1)).T @ flat - mean.T @ mean).double().numpy()
    moved = weights - before
    value = value / n + PULL * float(moved @ moved)
    return value, slope / n + 2 * PULL * moved, curvature / n + 2 * PULL * np.eye(width)


def _newest(source: NDArray[np.int64], which: NDArray[np.int64]) -> NDArray[np.int64]:
    """The newest of some requests, equally many from each file, at most `MOST` in all."""
    numbers = np.unique(source[which])
    own = [which[source[which] == number][-(MOST // len(numbers)) :] for number in numbers]
    return np.concatenate([np.zeros(0, np.int64), *own])


def calibrate(rows: Rows, shipped: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, list[bool]]:
    """The weights of each cell of the grid, the temperature, and which cells have enough requests.

    The weights of a softmax grow with its certainty. They are divided by the temperature, so that scores spread about as
    widely as under the shipped weights, and boosts and thresholds keep their meaning.
    """
    found, known, cell = shipped.astype(np.float64).copy(), [], rows.cell
    was, now = [], []
    for row in range(len(shipped)):
        own = _newest(rows.source, np.flatnonzero((cell == row) & rows.retrieved))
        known.append(len(own) >= FEWEST)
        if known[-1]:
            features, there = rows.features[own], rows.there[own]
            found[row] = fit(features, there, found[row])
            was.append(_spread(features, there, shipped[row]) * len(own))
            now.append(_spread(features, there, found[row].astype(np.float32)) * len(own))
    temperature = float(np.sum(now) / np.sum(was)) if known and sum(was) > 0 else 1.0
    for row, fitted in enumerate(known):
        if fitted:
            found[row] /= temperature
    return found.astype(np.float32), temperature, known


def keep(rows: Rows, shipped: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, list[bool]]:
    """`calibrate` for weights that stay fixed: the weights, their temperature, and which cells have enough requests."""
    known = [int(((rows.cell == row) & rows.retrieved).sum()) >= FEWEST for row in range(len(shipped))]
    own = _newest(rows.source, np.flatnonzero(rows.retrieved))
    if not len(own):
        return shipped.copy(), 1.0, known
    one = scores(rows.take(own), shipped)[:, :, None]
    return shipped.copy(), max(float(fit(one, rows.there[own], np.ones(1))[0]), 0.1), known


def _spread(features: NDArray[np.float32], there: NDArray[np.bool_], weights: NDArray[np.float32]) -> float:
    """The mean over requests of the standard deviation of their scores."""
    scores = np.where(there, features @ weights, np.nan)
    return float(np.nanstd(scores, axis=1).mean())


def scores(rows: Rows, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores [N,K] of the linear part, by each request's cell."""
    return np.asarray(np.einsum("nkf,nf->nk", rows.features, weights[rows.cell]), np.float32)
