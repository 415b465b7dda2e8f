"""How often and how far a unit may be moved without a call."""

from __future__ import annotations

from numba import njit

from anlan.kernels.bare import BARE


@njit(**BARE)
def allowed(
    now: float,
    last_move: float,
    moves: int,
    duty_s: float,
    drive_s: float,
    min_stay_s: float,
    max_per_hour: float,
    max_drive_s: float,
) -> bool:
    """Whether a free unit may be moved to another post.

    It must have stayed ``min_stay_s`` since its last move, be able to get there in ``max_drive_s``, and with this
    move not exceed ``max_per_hour`` over its hours on duty (the first hour counts as whole).
    """
    if now - last_move < min_stay_s or drive_s > max_drive_s:
        return False
    return moves + 1 <= max_per_hour * max(duty_s / 3600.0, 1.0)
