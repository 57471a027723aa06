"""Student's t: its distribution function and quantiles, to about ten digits."""

from __future__ import annotations

import math

import numpy as np

POINTS, WEIGHTS = np.polynomial.legendre.leggauss(200)
"""Gauss-Legendre nodes: the integrand is smooth after the substitution below."""
FAR = 1e8


def student_cdf(t: float, df: float) -> float:
    """P(T <= t) for ``df`` degrees of freedom, above 0.

    With t = sqrt(df) tan(u) the density is proportional to cos(u) to the power df - 1 (Abramowitz & Stegun 26.7).
    """
    if math.isinf(t):
        return 0.0 if t < 0 else 1.0
    end = math.atan(abs(t) / math.sqrt(df))
    u = end * (POINTS + 1) / 2
    area = end / 2 * float((WEIGHTS * np.cos(u) ** (df - 1)).sum())
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(math.pi)
    half = min(0.5, scale * area)
    return 0.5 + half if t >= 0 else 0.5 - half


def student_quantile(p: float, df: float) -> float:
    """The t below which lies the share ``p``, by bisection; ``p`` is above 0 and below 1."""
    if p < 0.5:
        return -student_quantile(1 - p, df)
    low, high = 0.0, 1.0
    while student_cdf(high, df) < p and high < FAR:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, df) < p else (low, middle)
    return (low + high) / 2
