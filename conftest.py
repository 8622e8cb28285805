"""What every test and doctest finds: the package imported the way users import it, before pytest loads single modules of it."""

import acuevidence.plots
import acuevidence.questions
import acuevidence.synthesis  # noqa: F401
