"""Tests of coefficients together: a factor, several terms, or contrasts of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, fdtrc

from acuevidence import words
from acuevidence.arguments import guard
from acuevidence.errors import InputError
from acuevidence.inputs import brief, choice
from acuevidence.shown import Shown

if TYPE_CHECKING:
    from acuevidence.synthesis.dependent import DependentMetaAnalysis
    from acuevidence.synthesis.effect import PooledEffect
    from acuevidence.synthesis.location_scale import LocationScaleMetaAnalysis

__all__ = ["ModelTest", "WaldTest", "contrasts_of", "vif", "wald_test"]


@dataclass(frozen=True, slots=True, repr=False)
class WaldTest(Shown):
    """Test of several coefficients, or contrasts of them, at once.

    Attributes
    ----------
    statistic : float
        F, scaled already; chi-square where ``df2`` is infinite.
    df1, df2 : float
        Its degrees of freedom; ``df2`` infinite: chi-square with ``df1``.
    p_value : float
        Its P value.
    terms : tuple of str
        What was tested against 0.
    """

    statistic: float
    df1: int
    df2: float
    p_value: float
    terms: tuple[str, ...]

    @property
    def df(self) -> tuple[int, float]:
        """Degrees of freedom of numerator and denominator."""
        return self.df1, self.df2

    def to_frame(self) -> pd.DataFrame:
        """Return the test as one row: ``statistic df1 df2 p_value``."""
        return pd.DataFrame([{name: getattr(self, name) for name in ("statistic", "df1", "df2", "p_value")}])

    def _sentences(self) -> list[str]:
        normal = np.isinf(self.df2)
        shape = (
            f"chi2 {self.statistic:.3f} (df {self.df1}" if normal else f"F {self.statistic:.3f} (df {self.df1} and {self.df2:.4g}"
        )
        return [f"Test of {', '.join(self.terms)}: {shape}, P {words.p(self.p_value)})."]


class ModelTest(str):
    """Which test a model has (``HKSJ-adhoc``, ``t`` ...); called with terms, it tests them together as :func:`wald_test` does.

    Examples
    --------
    >>> import acuevidence as ae
    >>> result = ae.meta_analysis([0.2, 0.5, 0.3], [0.02, 0.04, 0.03], test="z")
    >>> result.test == "z", round(result.test().statistic, 2)
    (True, 9.75)
    """

    _result: PooledEffect | DependentMetaAnalysis | LocationScaleMetaAnalysis

    @classmethod
    def of(cls, name: str, result: PooledEffect | DependentMetaAnalysis | LocationScaleMetaAnalysis) -> ModelTest:
        """Return the name of a result's test, bound to the result."""
        found = cls(name)
        found._result = result
        return found

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)

    def __call__(
        self, terms: str | Sequence[str] | Sequence[float] | Sequence[Sequence[float]] | np.ndarray | None = None
    ) -> WaldTest:
        """Test several coefficients, or contrasts of them, together."""
        return wald_test(self._result, terms)


def wald_test(
    result: PooledEffect | DependentMetaAnalysis | LocationScaleMetaAnalysis,
    terms: str | Sequence[str] | Sequence[float] | Sequence[Sequence[float]] | np.ndarray | None = None,
) -> WaldTest:
    """Test several coefficients, or contrasts of them, together.

    Parameters
    ----------
    result : MetaAnalysis, MultilevelMetaAnalysis or MultivariateMetaAnalysis
        A fitted model.
    terms : str, sequence of str or array-like, (q, p), optional
        A term of the formula (``"C(technique)"`` stands for all its coefficients), names of coefficients, or contrasts: a row
        each, a column a coefficient. Default: all coefficients but the intercept.

    Returns
    -------
    WaldTest
        ``statistic``, ``df`` (numerator and denominator), ``p_value``: F under t tests, else chi-square.

    Raises
    ------
    InputError
        For terms that the model does not have, or contrasts that follow from one another.

    Notes
    -----
    ``(Lb)' (L V L')^-1 (Lb)``, divided by q under t tests, V the covariance under the test of the model (with HKSJ the scaled
    one, as metafor's ``anova``). Denominator: the coefficients' degrees of freedom, the smallest where they differ.

    Examples
    --------
    >>> import pandas as pd
    >>> import acuevidence as ae
    >>> trials = pd.DataFrame({"yi": [0.9, 0.4, 0.6, 0.1, 0.5, 0.3], "vi": 0.04, "kind": list("aabbcc")})
    >>> result = ae.meta_analysis("yi", "vi", data=trials, moderators="~ kind")
    >>> result.test("kind")
    Test of kind[T.b], kind[T.c]: F 0.574 (df 2 and 3, P 0.615).
    """
    L, named = contrasts_of(terms, tuple(map(str, result.coefficients.index)))
    covariance, df = np.asarray(result.vcov, dtype=float), result.coefficients["df"].to_numpy(dtype=float)
    b, V = L @ result.coefficients["estimate"].to_numpy(dtype=float), L @ covariance @ L.T
    q, involved = len(L), (L != 0).any(axis=0)
    sd = np.sqrt(V.diagonal())
    if not (sd > 0).all():
        raise InputError("terms cannot be tested: the effects agree exactly, so that their standard error is 0")
    if np.linalg.eigvalsh(V / np.outer(sd, sd))[0] < 1e-12:
        raise InputError(f"terms: {', '.join(named)} follow from one another in this model; test fewer")
    chi2 = float((b / sd) @ np.linalg.solve(V / np.outer(sd, sd), b / sd))
    denominator = float(df[involved].min())
    if np.isinf(denominator):
        return WaldTest(chi2, q, denominator, float(chdtrc(q, chi2)), named)
    return WaldTest(chi2 / q, q, denominator, float(fdtrc(q, denominator, chi2 / q)), named)


def contrasts_of(terms: Any, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return contrasts (q, p) of the coefficients that terms stand for, and their names."""
    if terms is None:
        terms = [name for name in names if name != "Intercept"] or list(names)
    if isinstance(terms, (list, tuple)) and terms and not any(isinstance(one, str) for one in terms):
        terms = _matrix(terms)
    if isinstance(terms, np.ndarray) and terms.dtype.kind in "fiu":
        L = np.atleast_2d(terms).astype(float)
        if L.ndim != 2 or L.shape[1] != len(names) or not np.isfinite(L).all() or np.linalg.matrix_rank(L) < len(L):
            raise InputError(f"terms must have {len(names)} columns, one a coefficient ({', '.join(names)}), and independent rows")
        return L, tuple(_contrast(row, names) for row in L)
    chosen = [terms] if isinstance(terms, str) else list(terms)
    factors = {name: _factor(name) for name in names}
    found: list[str] = []
    for term in chosen:
        members = [term] if term in names else [name for name, factor in factors.items() if factor == _factor(str(term))]
        if not members:
            choice("terms", term, list(dict.fromkeys([*names, *factors.values()])))
        found += members
    if not found or len(set(found)) < len(found):
        raise InputError(f"terms must name one coefficient or several different ones, not {chosen}")
    return np.eye(len(names))[[names.index(name) for name in found]], tuple(found)


def _matrix(terms: Sequence[Any]) -> np.ndarray:
    try:
        return np.asarray(terms, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"terms must be names, or contrasts as rows of equal length, not {brief(terms)}") from None


def _factor(name: str) -> str:
    """Return the term of the formula that a coefficient belongs to: its levels, in brackets, taken off."""
    return ":".join(part.partition("[")[0].strip() for part in name.split(":"))


def _contrast(row: np.ndarray, names: tuple[str, ...]) -> str:
    parts = [f"{value:+g} {name}" for value, name in zip(row, names, strict=True) if value]
    return " ".join(parts).removeprefix("+").replace("+1 ", "+ ").replace("-1 ", "- ").removeprefix("1 ")


def vif(result: PooledEffect | DependentMetaAnalysis | LocationScaleMetaAnalysis) -> pd.DataFrame:
    """Return how much each coefficient's variance is inflated by the other moderators.

    Parameters
    ----------
    result : MetaAnalysis, MultilevelMetaAnalysis or MultivariateMetaAnalysis
        A model with two coefficients or more beside the intercept.

    Returns
    -------
    DataFrame
        ``vif sif`` (variance inflation factor, and its root for the standard error), one row a coefficient but the intercept.

    Raises
    ------
    InputError
        For a model with fewer than two coefficients beside the intercept.

    Notes
    -----
    The diagonal of the inverse of the correlation matrix of the coefficients (without the intercept), as metafor's ``vif``;
    for a factor of several levels the factors depend on which level is the reference.

    Examples
    --------
    >>> import pandas as pd
    >>> import acuevidence as ae
    >>> trials = pd.DataFrame({"yi": [0.9, 0.4, 0.6, 0.1, 0.5], "vi": 0.04, "weeks": [12, 6, 8, 4, 8], "year": [1, 2, 3, 4, 6]})
    >>> ae.meta_analysis("yi", "vi", data=trials, moderators="~ weeks + year").vif()["vif"].round(3).tolist()
    [1.215, 1.215]
    """
    names = [str(name) for name in result.coefficients.index]
    at = [i for i, name in enumerate(names) if name != "Intercept"]
    if len(at) < 2:
        raise InputError("vif() needs two coefficients or more beside the intercept")
    V = np.asarray(result.vcov, dtype=float)[np.ix_(at, at)]
    sd = np.sqrt(V.diagonal())
    if not (sd > 0).all():
        raise InputError("vif() needs standard errors above 0: the effects agree exactly")
    factor = np.diag(np.linalg.inv(V / np.outer(sd, sd)))
    return pd.DataFrame({"vif": factor, "sif": np.sqrt(factor)}, index=pd.Index([names[i] for i in at], name="term"))


guard(__name__, "wald_test", "vif")
