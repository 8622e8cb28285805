"""Profiles: the default is the same every time and fast; ACUEVIDENCE_HYPOTHESIS=long searches anew, and longer."""

import os

from hypothesis import HealthCheck, Phase, settings

CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
settings.register_profile(
    "trust",
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=CHECKS,
    phases=(Phase.explicit, Phase.generate),
)
settings.register_profile("long", max_examples=5_000, deadline=None, database=None, suppress_health_check=CHECKS)
settings.load_profile("long" if os.environ.get("ACUEVIDENCE_HYPOTHESIS") == "long" else "trust")
