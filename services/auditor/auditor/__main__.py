"""Audits: every call with its evidence, every rule checked again, the log compared with its seals and with what was
published. `python -m auditor [--campaign ID] [--format table|jsonl] [--only-findings]`.

Exit code: 0 nothing was found, 1 something was, 2 it could not be audited, 70 a mistake of the auditor's.
"""

import argparse
import asyncio
import sys
import traceback
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faststream.kafka.security import parse_security

from auditor import report
from auditor.audit import Refused, audit
from auditor.settings import Settings
from auditor.sources import Topics, read_log
from campaign_service.kafka_security import security_of
from campaign_service.settings import load_settings

CLEAN, FOUND, NOT_AUDITED, OUR_MISTAKE = 0, 1, 2, 70


async def run(settings: Settings, *, campaign: UUID | None, as_lines: bool, with_calls: bool) -> int:
    """Read, check, print."""
    command = await asyncpg.connect(settings.database_dsn.get_secret_value())
    calls = await asyncpg.connect(settings.calls_dsn.get_secret_value())
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **parse_security(security_of(settings)),
    )
    try:
        await consumer.start()
        log = await read_log(command)
        topics = Topics(consumer, topic_prefix=settings.topic_prefix, log=log.id, campaign=campaign)
        audited = await audit(command, calls, topics, log, campaign=campaign)
    finally:
        await consumer.stop()
        await command.close()
        await calls.close()
    shown = report.lines if as_lines else report.table
    for line in shown(audited, campaign=campaign, with_calls=with_calls):
        print(line)
    return FOUND if audited.findings else CLEAN


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="auditor", description=__doc__)
    parser.add_argument("--campaign", type=UUID, help="this campaign's calls; otherwise those of all")
    parser.add_argument("--format", choices=("table", "jsonl"), default="table")
    parser.add_argument("--only-findings", action="store_true", help="leave the calls' evidence out")
    wanted = parser.parse_args()
    work = run(
        load_settings(Settings),
        campaign=wanted.campaign,
        as_lines=wanted.format == "jsonl",
        with_calls=not wanted.only_findings,
    )
    try:
        sys.exit(asyncio.run(work))
    except (Refused, asyncpg.PostgresError, KafkaError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(NOT_AUDITED)
    except Exception:
        traceback.print_exc()  # Python would leave with 1, which says that something was found
        sys.exit(OUR_MISTAKE)


if __name__ == "__main__":
    main()
