"""Writes docs/settings.md from the services' own settings, so that the page can't say something else than the code.

`python -m local_stack.settings_page` writes it; a test compares.
"""

from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from analytics_projector.settings import Settings as ProjectorSettings
from campaign_command.settings import Settings as CommandSettings
from campaign_service.settings import DatabaseSettings, ServerSettings, ServiceSettings
from dashboard.settings import Settings as DashboardSettings
from dialer.settings import Settings as DialerSettings
from simulated_carrier.settings import Settings as CarrierSettings
from webhooks.settings import Settings as WebhooksSettings

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"
SHARED: dict[str, type[BaseSettings]] = {
    "Every service": ServerSettings,
    "Every service with a database": DatabaseSettings,
    "Every service with a public API": ServiceSettings,
}
SERVICES: dict[str, type[BaseSettings]] = {
    "campaign-command": CommandSettings,
    "analytics-projector": ProjectorSettings,
    "dialer": DialerSettings,
    "dashboard": DashboardSettings,
    "webhooks": WebhooksSettings,
    "simulated-carrier": CarrierSettings,
}
INTRODUCTION = """\
# Settings

Environment variables, read once at the start. What is missing or wrong is named, a line each, and the process ends
with exit code 2. Each variable may also be a file of its name in lower case in the folder that `SECRETS_DIR` names, as
mounted secrets are; the variable wins. Secrets have no default and never show in logs or errors.

This page is written by `python -m local_stack.settings_page`.
"""


def page() -> str:
    """The whole page."""
    parts, told = [INTRODUCTION], set[str]()
    for title, model in SHARED.items():
        parts.append(_section(title, model, without=told | {"http_port"}))
        told |= set(model.model_fields)
    for title, model in SERVICES.items():
        is_shared = {name for name in told if issubclass(model, ServerSettings) and name != "http_port"}
        parts.append(_section(title, model, without=is_shared))
    return "\n".join(parts)


def _section(title: str, model: type[BaseSettings], *, without: set[str]) -> str:
    rows = [_row(name, field) for name, field in model.model_fields.items() if name not in without]
    return "\n".join([f"## {title}", "", "| variable | allowed | default | |", "|---|---|---|---|", *rows, ""])


def _row(name: str, field: FieldInfo) -> str:
    default = "**needed**" if field.is_required() else _default(field.default)
    return f"| `{name.upper()}` | {_allowed(field)} | {default} | {field.description or ''} |"


def _default(value: Any) -> str:
    return "–" if value in (None, "") else f"`{value}`"


def _allowed(field: FieldInfo) -> str:
    kind = field.annotation
    if get_origin(kind) in (Union, UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    kind = _class(kind)
    words = {SecretStr: "secret", str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}
    word = words.get(kind, "path" if issubclass(kind, Path) else "address")
    limits = [_LIMITS[type(one)](one) for one in field.metadata if type(one) in _LIMITS]
    return " ".join([word, *filter(None, limits)])


def _class(kind: Any) -> type:
    # FilePath is Annotated[Path, …].
    return next((one for one in get_args(kind) if isinstance(one, type)), kind)


_LIMITS: dict[type, Any] = {
    annotated_types.Ge: lambda one: f"≥ {one.ge}",
    annotated_types.Gt: lambda one: f"> {one.gt}",
    annotated_types.Le: lambda one: f"≤ {one.le}",
    annotated_types.Lt: lambda one: f"< {one.lt}",
    annotated_types.MinLen: lambda one: f"of ≥ {one.min_length} characters" if one.min_length > 1 else "",
}

if __name__ == "__main__":
    PAGE.write_text(page())
