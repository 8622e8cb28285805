"""What several tests work out by hand, or call by other programs' names."""

import math

# Numbers of a pooled effect, and what metafor calls them.
METAFOR = {
    "estimate": "beta",
    "se": "se",
    "statistic": "zval",
    "p_value": "pval",
    "ci_low": "ci_lb",
    "ci_high": "ci_ub",
    "q": "QE",
    "q_p": "QEp",
    "i2": "I2",
}

# The columns in which RevMan Web writes the rows of its analyses.
REVMAN_HEAD = [
    "Analysis group",
    "Analysis number",
    "Analysis name",
    "Subgroup",
    "Applicability",
    "Study",
    "Study year",
    "GIV Mean",
    "GIV SE",
    "Experimental mean",
    "Experimental SD",
    "Experimental cases",
    "Experimental N",
    "Control mean",
    "Control SD",
    "Control cases",
    "Control N",
    "O-E",
    "Variance",
    "Weight",
    "Mean",
    "CI start",
    "CI end",
    "Footnotes",
]


def hedges(mean1, sd1, n1, mean2, sd2, n2):
    """Hedges g with the exact correction, and its large-sample variance (Hedges 1981)."""
    df = n1 + n2 - 2
    pooled = math.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / df)
    j = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    g = j * (mean1 - mean2) / pooled
    return g, 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))
