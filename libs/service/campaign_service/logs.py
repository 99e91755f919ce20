"""One line per thing that happened, JSON when nobody watches. Never personal data, never locals of a traceback."""

import logging
import sys
import traceback
from typing import Any

import orjson
import structlog

Log = structlog.typing.FilteringBoundLogger


def configure_logs(service: str, *, level: str = "info", log_format: str | None = None) -> Log:
    """Set up structlog and return the logger. `log_format`: `json`, `console`, or null to go by the terminal."""
    as_json = log_format == "json" or (log_format is None and not sys.stdout.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json:
        structlog.configure(
            processors=[
                *shared,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(serializer=_dump),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
            logger_factory=structlog.BytesLoggerFactory(),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[*shared, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)],
            wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
            cache_logger_on_first_use=True,
        )
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # failed requests are logged by their handler
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    log: Log = structlog.get_logger(service=service)
    return log


def brief(error: BaseException) -> str:
    """The first line of an error's message: the lines below can quote data (PostgreSQL's DETAIL names the row)."""
    return f"{error}".partition("\n")[0]


def leaves_of(error: BaseException) -> list[BaseException]:
    """The errors of a group, however deep; a lone error is its own."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves_of(inner)]
    return [error]


def trace_of(error: BaseException) -> str:
    """Where an error, or each of a group, was raised; without locals and without quoted data."""
    return "\n".join(
        "".join(traceback.format_tb(leaf.__traceback__)) + f"{type(leaf).__name__}: {brief(leaf)}"
        for leaf in leaves_of(error)[:3]
    )


def _dump(value: Any, **_: Any) -> bytes:
    return orjson.dumps(value, default=str)
