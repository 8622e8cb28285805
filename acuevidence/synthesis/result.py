"""What a pairwise meta-analysis gives back: its numbers, and by name what can be made of them."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acuevidence import words
from acuevidence.arguments import guarded
from acuevidence.errors import InputError, UnknownKeyError
from acuevidence.shown import Shown
from acuevidence.synthesis.effect import PooledEffect
from acuevidence.synthesis.methods import GroupedMethods, Methods

__all__ = ["Between", "GroupedMetaAnalysis", "MetaAnalysis"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class MetaAnalysis(PooledEffect, Methods):
    """A random-effects (or equal-effects) meta-analysis of one group of trials.

    ``estimate`` to ``ci_high`` describe the first coefficient: the pooled effect, or the intercept of a meta-regression.
    A positive effect favours acupuncture when the effects were turned that way, as ``trial_effects`` does.

    Attributes
    ----------
    estimate, se, statistic, p_value, ci_low, ci_high : float
        Pooled effect on the scale of yi, its standard error, test and interval at ``level``.
    df : float or None
        Degrees of freedom of its t distribution; None: normal.
    pi_low, pi_high : float or None
        Prediction interval for the true effect of a new trial; None where it is not defined (equal effects, one trial, no
        degrees of freedom, or a meta-regression: use ``predict``).
    tau2, tau2_se : float or None
        Heterogeneity variance (squared units of yi) and its standard error; None for one trial.
    i2, h2 : float
        I2 in percent and H2, from tau2 and the typical variance (under EE from Q).
    q, q_df, q_p : float
        Cochran's Q, of the residuals in a meta-regression, with its chi-square test.
    qm, qm_df, qm_p : float
        Omnibus test of the moderators (of the pooled effect where there is none): chi-square, or F under t tests.
    k : int
        Trials.
    weights : ndarray, (k,)
        Weights in percent.
    method, test, level, prediction : str or float
        As asked for.
    data : DataFrame
        The trials used, with ``yi``, ``vi`` and ``labels``; the caller's index and ``attrs``.
    excluded : DataFrame
        What was left out, with a ``reason``.
    beta, covariance, X : ndarray
        Coefficients, their covariance and the design matrix (None without moderators), as arrays.
    yi, vi : ndarray, (k,)
        Effects and sampling variances of the trials used.
    terms, formula : tuple of str, str or None
        Names of the coefficients, and the formula of the moderators.
    notes : tuple of str
        What a reader must know: one trial, two trials, an interval narrower than Wald's.
    """


class GroupAttributeError(InputError, AttributeError):
    """A result by group was asked for what only one group has."""


@dataclass(frozen=True, slots=True, repr=False)
class Between(Shown):
    """Test for subgroup differences.

    Attributes
    ----------
    q, df, p : float
        Cochran's Q between the pooled effects of the groups, weighted by their model-based variances, with its
        chi-square test.
    shared : tuple of str
        Trials that stand in more than one group with a common arm; the test takes groups as independent, which for
        these is an approximation.
    """

    q: float
    df: int
    p: float
    shared: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the test as one row: ``q df p``."""
        return pd.DataFrame([{"q": self.q, "df": self.df, "p": self.p}])

    def _sentences(self) -> list[str]:
        shared = f" Trials in several groups: {', '.join(self.shared)}." if self.shared else ""
        return [f"Test for subgroup differences: Q {self.q:.2f}, df {self.df}, P {words.p(self.p)}.{shared}"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GroupedMetaAnalysis(GroupedMethods, Mapping[str, MetaAnalysis]):
    """Meta-analyses by group, kept apart: a mapping of group to MetaAnalysis.

    Attributes
    ----------
    by : str
        What the groups are.
    groups : mapping
        Group to MetaAnalysis.
    between : Between or None
        Test for subgroup differences; None with fewer than two groups.
    overall : MetaAnalysis or None
        All groups pooled, only when asked for in so many words.
    """

    by: str
    groups: Mapping[str, MetaAnalysis]
    between: Between | None
    overall: MetaAnalysis | None = None

    def __getitem__(self, group: str) -> MetaAnalysis:
        if group not in self.groups:
            raise UnknownKeyError(self.by, group, self.groups)
        return self.groups[group]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_") and hasattr(MetaAnalysis, name):
                first = next(iter(self.groups), "")
                raise GroupAttributeError(
                    f"{name} is of one group, and this result holds {_listed(self.groups)}; give one group: result[{first!r}]"
                )
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __iter__(self) -> Iterator[str]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def data(self) -> pd.DataFrame:
        """The trials used, group by group, with ``yi``, ``vi``, ``labels`` and the group."""
        parts = [one.data.assign(**{self.by: name}) for name, one in self.groups.items()]
        if not parts:
            return pd.DataFrame(columns=["yi", "vi", "labels", self.by])
        attrs = parts[0].attrs
        for part in parts:
            part.attrs = {}  # pandas would compare them, tables and all
        frame = pd.concat(parts)
        frame.attrs = attrs
        return frame

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group and coefficient.

        Returns
        -------
        DataFrame
            The rows of :meth:`MetaAnalysis.to_frame`, one or more a group.

        Examples
        --------
        >>> import acuevidence as ae
        >>> results = ae.meta_analysis([0.9, 0.4, 0.6, 0.1], [0.09, 0.04, 0.06, 0.02], by=["sham", "sham", "care", "care"])
        >>> results.to_frame()[['group', 'estimate', 'k']].round(3)
          group  estimate  k
        0  sham      0.60  2
        1  care      0.31  2
        """
        fitted: pd.DataFrame | None = getattr(self.groups, "frame_of_fits", lambda: None)()
        if fitted is not None:
            return fitted
        if not self.groups:
            return pd.DataFrame(columns=["term", "estimate", "ci_low", "ci_high", "k", self.by])
        return pd.concat([one.to_frame().assign(**{self.by: name}) for name, one in self.groups.items()], ignore_index=True)

    @guarded
    def test(
        self, terms: str | Sequence[str] | Sequence[float] | Sequence[Sequence[float]] | np.ndarray | None = None
    ) -> pd.DataFrame:
        """Test coefficients together, group by group, as :func:`.wald_test` does for one.

        Parameters
        ----------
        terms : str, sequence of str or ndarray, optional
            As there.

        Returns
        -------
        DataFrame
            ``statistic df1 df2 p_value``, with the groups as index. Whether groups differ is ``between``.

        Examples
        --------
        >>> import acuevidence as ae
        >>> results = ae.meta_analysis([0.9, 0.4, 0.6, 0.1], [0.09, 0.04, 0.06, 0.02], by=["sham", "sham", "care", "care"])
        >>> results.test().round(2)
               statistic  df1  df2  p_value
        group
        sham        6.00    1  1.0     0.25
        care        1.58    1  1.0     0.43
        """
        return self._by_group([one.test(terms).to_frame() for one in self.groups.values()])

    def vif(self) -> pd.DataFrame:
        """Return how much each coefficient's variance is inflated by the other moderators, group by group.

        Returns
        -------
        DataFrame
            ``term vif sif``, with the groups as index.

        Examples
        --------
        >>> import pandas as pd
        >>> import acuevidence as ae
        >>> trials = pd.DataFrame({"yi": [0.9, 0.4, 0.6, 0.1] * 2, "vi": 0.04, "weeks": [12, 6, 8, 4] * 2, "year": [1, 2, 3, 6] * 2,
        ...     "group": list("aaaabbbb")})
        >>> ae.meta_analysis("yi", "vi", data=trials, by="group", moderators="~ weeks + year").vif()["vif"].round(1).tolist()
        [3.0, 3.0, 3.0, 3.0]
        """
        return self._by_group([one.vif().reset_index() for one in self.groups.values()])

    def _by_group(self, parts: list[pd.DataFrame]) -> pd.DataFrame:
        if not parts:
            raise InputError("there is no group to test")
        index = [name for name, part in zip(self.groups, parts, strict=True) for _ in range(len(part))]
        return pd.concat(parts, ignore_index=True).set_axis(pd.Index(index, name=self.by), axis=0)

    def summary(self) -> str:
        """Return each group's summary and the test between them.

        Returns
        -------
        str
            Each group's summary and the test for subgroup differences.

        Examples
        --------
        >>> import acuevidence as ae
        >>> results = ae.meta_analysis([0.9, 0.4, 0.6, 0.1], [0.09, 0.04, 0.06, 0.02], by=["sham", "sham", "care", "care"])
        >>> print(results.summary().splitlines()[-1])
        Test for subgroup differences: Q 0.70, df 1, P 0.404.
        """
        if not self.groups:
            return "No trial with usable figures: nothing is pooled."
        parts = [f"{self.by} = {name}\n{one.summary()}" for name, one in self.groups.items()]
        if self.between is not None:
            parts.append(self.between.summary())
        if self.overall is not None:
            parts.append("all groups pooled\n" + self.overall.summary())
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        parts = [f"<h4>{html.escape(self.by)}: {html.escape(str(n))}</h4>{one._repr_html_()}" for n, one in self.groups.items()]
        if self.between is not None:
            parts.append(self.between._repr_html_())
        return "".join(parts)


def _listed(groups: Mapping[str, MetaAnalysis]) -> str:
    return ", ".join(map(repr, list(groups)[:6])) + (" ..." if len(groups) > 6 else "")


def with_notes(result: MetaAnalysis, *notes: str) -> MetaAnalysis:
    """Return the result with notes added."""
    return replace(result, notes=(*result.notes, *notes))
