from datetime import date, timedelta
from math import floor, pi, sin

from anlan.hotspots.holidays import china, holiday_shares, spring_festivals


def new_moon(k: int) -> float:
    """Julian day of the k-th new moon since January 2000: Meeus 1998, ch. 49, the larger terms."""
    t, r = k / 1236.85, pi / 180
    m, mm = (2.5534 + 29.1053567 * k) * r, (201.5643 + 385.81693528 * k) * r
    f = (160.7108 + 390.67050284 * k) * r
    e = 1 - 0.002516 * t
    terms = (
        -0.4072 * sin(mm) + 0.17241 * e * sin(m) + 0.01608 * sin(2 * mm) + 0.01039 * sin(2 * f)
        + 0.00739 * e * sin(mm - m) - 0.00514 * e * sin(mm + m) + 0.00208 * e * e * sin(2 * m)
        - 0.00111 * sin(mm - 2 * f) - 0.00057 * sin(mm + 2 * f) + 0.00056 * e * sin(2 * mm + m)
    )  # fmt: skip
    return 2451550.09766 + 29.530588861 * k + terms


def test_the_spring_festival_is_the_new_moon_between_21_january_and_19_february():
    moons = []
    for k in range(120, 460):
        beijing = new_moon(k) - 68 / 86400 + 8 / 24
        moons.append(date(1970, 1, 1) + timedelta(days=floor(beijing - 2440587.5)))
    for year, day in spring_festivals().items():
        assert day == max(moon for moon in moons if moon <= date(year, 2, 19))


def test_the_known_days():
    assert spring_festivals()[2024] == date(2024, 2, 10)
    assert spring_festivals()[2033] == date(2033, 1, 31)
    days = china()
    assert date(2022, 6, 3) in days["short_holiday"]  # Dragon Boat
    assert date(2022, 9, 10) in days["short_holiday"]  # Mid-Autumn
    assert date(2020, 10, 1) not in days["short_holiday"]  # Mid-Autumn within the National Day week
    assert date(2020, 10, 1) in days["national_day"]


def test_shares_of_weeks():
    names, share = holiday_shares(china(), date(2024, 2, 5), 2)
    spring = share[:, names.index("spring_festival")]
    assert [round(7 * s) for s in spring] == [3, 5]  # 9-11 and 12-16 February
