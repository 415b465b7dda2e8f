"""Did it work, and how well is it answered: indicators, before and after, trends."""

from anlan.evaluation.account import Account, Finding, evaluate
from anlan.evaluation.did import Staggered, staggered
from anlan.evaluation.its import Interruption, interrupted
from anlan.evaluation.rates import RateRatio, e_test, rate_ratio
from anlan.evaluation.regression_to_mean import Corrected, regression_to_mean
from anlan.evaluation.synthetic import Synthetic, synthetic
from anlan.evaluation.trend import Trend, YearOnYear, trend, year_on_year
from anlan.evaluation.wdd import Difference, Placebo, dispersion, placebo, wdd, wdd_harm

__all__ = [
    "Account",
    "Corrected",
    "Difference",
    "Finding",
    "Interruption",
    "Placebo",
    "RateRatio",
    "Staggered",
    "Synthetic",
    "Trend",
    "YearOnYear",
    "dispersion",
    "e_test",
    "evaluate",
    "interrupted",
    "placebo",
    "rate_ratio",
    "regression_to_mean",
    "staggered",
    "synthetic",
    "trend",
    "wdd",
    "wdd_harm",
    "year_on_year",
]
