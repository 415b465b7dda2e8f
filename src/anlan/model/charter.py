"""The charter as a check on names: what no category, form or procedure may ask about a person."""

from __future__ import annotations

import re
from collections.abc import Iterable

from anlan.core.errors import AnlanError

FORBIDDEN = re.compile(
    r"ethnic|nationalit|race\b|racial|religio|politic|party_member|union|sexual|"
    r"biometr|face|facial|fingerprint|iris|gait|voiceprint|dna|"
    r"watch_?list|blacklist|suspect|offender|recidiv|(person|household|group|risk|credit|loyalty)_?score|"
    r"id_card|passport|plate|imei|imsi|mac_address|"
    r"民族|种族|宗教|信仰|政治|党派|人脸|指纹|虹膜|黑名单|重点人员|风险等级|信用分|身份证",
    re.IGNORECASE,
)
"""Names that score, list, identify by body or track a person, or ask what a state must not ask."""


def refuse(names: Iterable[str], where: str) -> None:
    """Check names of fields or codes of categories.

    Raises
    ------
    AnlanError
        At the first name that the charter forbids.
    """
    for name in names:
        found = FORBIDDEN.search(name)
        if found:
            raise AnlanError(
                f"{where}: {name!r}",
                f"the charter keeps no {found.group(0)!r}: places and tasks are scored, persons never",
                "leave the field out",
                code="charter",
            )
