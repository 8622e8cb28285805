"""Effect sizes, the conversions that lead to them, and one effect per trial."""

from acuevidence.effects.arms import (
    combine_arms,
    correlation_of_change,
    crossover_se,
    crossover_smd,
    design_effect,
    sd_of_change,
    sd_of_final,
    split_arm,
)
from acuevidence.effects.continuous import hedges_j
from acuevidence.effects.convert import (
    back_transform,
    or_to_r,
    or_to_smd,
    r_to_or,
    r_to_smd,
    responders_per_100,
    smd_to_nnt,
    smd_to_or,
    smd_to_points,
    smd_to_r,
)
from acuevidence.effects.measures import MEASURES, effect_size
from acuevidence.effects.own_trials import read_trials, template
from acuevidence.effects.precision import from_ci, from_f, from_p, from_t, sd_from_ci, sd_from_se
from acuevidence.effects.quantiles import mean_sd_from_quantiles
from acuevidence.effects.trials import trial_effects

__all__ = [
    "MEASURES",
    "back_transform",
    "combine_arms",
    "correlation_of_change",
    "crossover_se",
    "crossover_smd",
    "design_effect",
    "effect_size",
    "from_ci",
    "from_f",
    "from_p",
    "from_t",
    "hedges_j",
    "mean_sd_from_quantiles",
    "or_to_r",
    "or_to_smd",
    "r_to_or",
    "r_to_smd",
    "read_trials",
    "responders_per_100",
    "sd_from_ci",
    "sd_from_se",
    "sd_of_change",
    "sd_of_final",
    "smd_to_nnt",
    "smd_to_or",
    "smd_to_points",
    "smd_to_r",
    "split_arm",
    "template",
    "trial_effects",
]


def __dir__() -> list[str]:
    return sorted(__all__)
