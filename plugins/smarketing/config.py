"""What one company's nights need to know: ``smarketing.yml`` in a folder of its own.

The agreement lies beside it in ``agreements/``; anything that is part of the contract is said
there and not here.
"""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
)

from smarketing.explained import ExplainedError
from smarketing.home import PROJECT, home

SourceKind = Literal["csv_export", "hubspot", "marketo", "salesforce"]


class ConfigError(ExplainedError):
    """The configuration cannot be used; the message says which file, what, and what to do."""


_Settings = TypeVar("_Settings", bound=BaseModel)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Model):
    """One system to extract from.

    ``kind`` says what sort of system it is; a source that is named after its kind need not.
    ``mapping``: the file that says how the company keeps its leads there. ``fresh_within_hours``:
    how old its newest record may be, at ``as_of``, before the night is not to be believed.
    """

    kind: SourceKind
    mapping: Path
    fresh_within_hours: Annotated[int, Field(gt=0)]


class Sandbox(_Model):
    """The built-in company: how large, from which seed, and the date of its last night."""

    seed: int
    leads: Annotated[int, Field(gt=0)]
    nights: Annotated[int, Field(gt=0)]
    ends: date


class Config(_Model):
    """One company: a name, a database, its sources, and when its nights are.

    ``schedule`` is a cron expression in UTC. ``as_of`` is given where the history has an end (an
    archive, the built-in company): no night speaks for a later instant.
    """

    company: Annotated[str, Field(min_length=1)]
    database: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    schedule: str = "0 2 * * *"
    as_of: AwareDatetime | None = None
    sources: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")], Source], Field(min_length=1)
    ]
    sandbox: Sandbox | None = None

    _folder: Path = PrivateAttr()

    @field_validator("sources", mode="before")
    @classmethod
    def _named_after_their_kind(cls, sources: object) -> object:
        if not isinstance(sources, dict):
            return sources
        return {
            name: {"kind": name} | source if isinstance(source, dict) else source
            for name, source in sources.items()
        }

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str) -> str:
        from croniter import croniter

        if not croniter.is_valid(schedule):
            raise ValueError(f"{schedule!r} is no cron expression such as '0 2 * * *'")
        return schedule

    @property
    def folder(self) -> Path:
        """The folder of ``smarketing.yml``; relative paths in it start here."""
        return self._folder

    @property
    def agreements(self) -> Path:
        """The folder with one YAML per version of the agreement."""
        return self._folder / "agreements"

    @property
    def workdir(self) -> Path:
        """Where this company's nights leave what they make: logs, pages, dbt's target."""
        nights = home() / "nights"
        # leads pass through here on their way
        nights.mkdir(mode=0o700, exist_ok=True)
        folder = nights / self.database
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def kinds(self) -> set[SourceKind]:
        """What sorts of systems there are."""
        return {source.kind for source in self.sources.values()}

    def mapping(self, source: str) -> Path:
        """The mapping file of one source."""
        return self._folder / self.sources[source].mapping

    def night_of(self, instant: datetime) -> datetime:
        """``instant``, or the end of the history if that comes first."""
        return min(instant, self.as_of) if self.as_of else instant


def config_folder() -> Path:
    """The folder named by ``$SMARKETING_CONFIG`` (default: the project, the built-in company)."""
    return (PROJECT / os.environ.get("SMARKETING_CONFIG", ".")).resolve()


def read_config(folder: Path | None = None) -> Config:
    """Read ``smarketing.yml`` from ``folder`` (default: :func:`config_folder`).

    Raises:
        ConfigError: the file is missing, is not YAML, or does not say what it must.
    """
    folder = (folder or config_folder()).resolve()
    file = folder / "smarketing.yml"
    if not file.is_file():
        raise ConfigError(
            f"{file}: not found. CONFIG names a folder with a smarketing.yml in it, for example "
            "`make nightly CONFIG=examples/olist`."
        )
    config = read_settings(file, Config)
    config._folder = folder
    return config


def read_settings(file: Path, model: type[_Settings]) -> _Settings:
    """Read a YAML file as what a model describes.

    Raises:
        ConfigError: the file is missing, is not YAML, or does not say what it must.
    """
    try:
        return model.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read. {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: not valid YAML. {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'the whole file'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ConfigError(f"{file}: {faults}.") from error
