"""Every figure still looks as it did: a small picture of each, drawn from public or invented data where it takes any.

The pictures are in ``baseline``; ``make baseline`` draws them afresh. They are compared in the locked environment, by
``pytest --mpl``, which ``make test`` runs.
"""

import json
from pathlib import Path

import pandas as pd
import pytest

import acuevidence as ae
from acuevidence import plots
from acuevidence.questions.evidence_map import EvidenceMap

pytestmark = pytest.mark.locked
REFERENCE = Path(__file__).resolve().parents[1] / "reference"
RATINGS = pd.DataFrame({"A": ["+", "-", "+"], "B": ["?", "+", "+"], "C": ["-", "-", "+"]}, index=["First", "Second", "Third"])
MAP = pd.DataFrame(
    {
        "condition": ["neck_pain", "neck_pain", "headache"],
        "comparator": ["sham", "usual_care", "sham"],
        "outcome": ["pain", "pain", "response"],
        "k": [5, 2, 1],
        "patients": [900, 1200, 80],
        "estimate": [0.3, float("nan"), -0.2],
        "ci_low": [0.1, float("nan"), -0.6],
        "ci_high": [0.5, float("nan"), 0.2],
        "certainty": [2, 3, 1],
    }
)
FEW = {"timing": ["end_of_treatment"], "left_out": ["none out"], "size": ["any"]}


def bcg(**options):
    """Risk ratios of the BCG vaccine trials (dat.bcg), read from the reference values of metafor."""
    given = json.loads((REFERENCE / "escalc__dat.bcg.json").read_text(encoding="utf-8"))["data"]
    data = pd.DataFrame({name: given[name] for name in ("study", "year", "ablat", "alloc")})
    counts = dict(zip(("events1", "n1", "events2", "n2"), (given[name] for name in ("ai", "n1i", "ci", "n2i")), strict=True))
    effects = ae.effect_size("RR", **counts)
    data = data.assign(**counts, yi=effects["yi"].to_numpy(), vi=effects["vi"].to_numpy(), effect="RR")
    return ae.meta_analysis("yi", "vi", data=data, labels="study", **options)


def network():
    pairs = [("A", "B"), ("A", "B"), ("A", "C"), ("B", "C"), ("C", "D")]
    first, second = zip(*pairs, strict=True)
    return ae.network(first, second, [0.3, 0.5, 0.8, 0.4, -0.2], [0.1, 0.2, 0.15, 0.12, 0.2], list("vwxyz"))


def posterior():
    result = bcg()
    return ae.bayes("yi", "vi", data=result.data, labels="study")


def neck():
    return ae.pooled("neck_pain")["sham"]


FIGURES = {
    "baujat": lambda: bcg().plot.baujat(),
    "bubble": lambda: bcg(moderators="~ ablat").plot.bubble(),
    "bubble_category": lambda: bcg(moderators="~ alloc").plot.bubble(),
    "cumulative": lambda: bcg().plot.cumulative(order="year"),
    "consensus": lambda: plots.consensus(),
    "decomposition": lambda: ae.decompose("headache").plot(),
    "drapery": lambda: bcg().plot.drapery(),
    "evidence_map": lambda: plots.evidence_map(EvidenceMap(cells=MAP, topic=ae.load_evidence().topic)),
    "flip": lambda: ae.questions.flip("fibromyalgia").plot(),
    "flow": lambda: plots.flow("neck_pain"),
    "forest": lambda: bcg().forest(favours=("Favours vaccine", "Favours no vaccine")),
    "funnel": lambda: bcg().funnel(fill=bcg().trim_and_fill(), pseudo_interval=True),
    "gosh": lambda: bcg().plot.gosh(trial="TPT Madras 1980", subsets=1000),
    "influence": lambda: bcg().plot.influence(),
    "labbe": lambda: bcg().plot.labbe(groups=("vaccine", "no vaccine")),
    "league": lambda: network().plot.league(width="single"),
    "missing_evidence": lambda: neck().missing_evidence().plot(),
    "network": lambda: network().plot.network(),
    "nuance": lambda: plots.nuance({"neck_pain": ae.pooled("neck_pain")}),
    "profile": lambda: bcg().plot.profile(),
    "quality": lambda: plots.quality(RATINGS),
    "radial": lambda: bcg().plot.radial(),
    "rankogram": lambda: network().plot.ranks(kind="rankogram"),
    "ranks": lambda: network().plot.ranks(),
    "ridge": lambda: posterior().ridge(effect="RR"),
    "safety": lambda: plots.safety(),
    "sequential": lambda: neck().sequential().plot(),
    "specification_curve": lambda: ae.multiverse("fibromyalgia", "sham", FEW).plot(),
    "time_course": lambda: ae.questions.time_course("knee_osteoarthritis").plot(),
    "timeline": lambda: ae.questions.timeline("pelvic_pain").plot(),
}


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline", style="default", deterministic=True, tolerance=4, savefig_kwargs={"dpi": 80}
)
@pytest.mark.parametrize("name", FIGURES)
def test_picture(name):
    return FIGURES[name]().figure


def test_every_figure_has_a_picture():
    shown = {path.stem.removeprefix("test_picture_") for path in (Path(__file__).parent / "baseline").glob("*.png")}
    assert shown == set(FIGURES)
