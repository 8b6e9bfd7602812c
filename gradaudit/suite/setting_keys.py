"""The keys that say how a case is measured and judged; defaults, profiles and functions share them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gradaudit.suite.quantities import ElementChoice, Elements, Name, Seconds, Steps

_NOT_NEGATIVE = Field(ge=0)


class Strict(BaseModel):
    """Every mapping of the suite file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ToleranceKeys(Strict):
    """What a claim may be off by: |analytic − numeric| ≤ 3·bar + rtol·scale + atol."""

    rtol: Annotated[float, _NOT_NEGATIVE] | None = None
    """Relative error of the claim that you accept; null: 1e-5; for float32 1e-4, float16 1e-2, bfloat16 0.05."""
    resolution: Annotated[float, Field(gt=0)] | None = None
    """Largest relative error that a pass may have missed, above rtol; null: 1e-3; for float32 1e-2, float16 0.1,
    bfloat16 0.25; at least twice an rtol that you give."""
    atol: Annotated[float, _NOT_NEGATIVE] = 0.0
    """Absolute error that you accept; 0 unless asked for."""


class SettingKeys(Strict):
    """How a case is measured and judged; defaults, by_dtype, profiles and functions all take these keys."""

    h: Steps = None
    """Step sizes in units of x: auto, a number, a list, or {from, to, per_decade}. auto: chosen per element."""
    tolerance: ToleranceKeys | None = None
    """What a claim may be off by."""
    elements: ElementChoice = Field(default=Elements("all"), json_schema_extra={"default": "all"})
    """Which elements are checked: all one by one; a sample; all together along random directions, with a certificate;
    auto: one by one where that is cheap, else certified."""
    method: Literal["auto", "central"] = "auto"
    """central: the plain rule of one h and one tolerance; it needs exactly one h and extend: false."""
    extend: bool = True
    """Go on to steps of the tool's own where the given h cannot decide."""
    kinks: Literal["undecided", "accept"] = "undecided"
    """accept: a claim between both one-sided slopes passes at a kink."""
    timeout: Seconds = None
    """Time limit of a case: 500ms, 30s, 10m, 1h, or seconds; null: 5m."""


class DefaultKeys(SettingKeys):
    """Settings of every function of this file and of the files that it includes."""

    engine: str | None = None
    """How the functions are called; left out: chosen when the function is loaded."""
    checks: list[str] | None = None
    """What is checked; left out: what the claims say."""
    tags: list[Name] = []
    """Labels for selection; a function carries those of its file beside its own."""
    owner: str | None = None
    """Whom to ask."""


class ProfileKeys(SettingKeys):
    """Settings that hold under ``--profile NAME``."""

    select: str | None = None
    """The cases that this profile runs, such as "tag:fast and not conv"."""


class OverrideKeys(DefaultKeys):
    """What ``--set`` and ``GRADAUDIT_*`` may change."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
