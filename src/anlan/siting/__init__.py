"""Where stations, standby posts, patrol posts and equipment should stand; every answer carries a bound."""

from anlan.siting.answer import Alternative, Explanation, Loss, Moment, Siting
from anlan.siting.mclp import mclp

__all__ = ["Alternative", "Explanation", "Loss", "Moment", "Siting", "mclp"]
