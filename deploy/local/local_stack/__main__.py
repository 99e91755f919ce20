"""`python -m local_stack <command>`: what the Makefile's targets call.

What is wrong with the machine or the call is one line and exit code 2, never a traceback.
"""

import argparse
import importlib
import shutil
import sys
import uuid
from pathlib import Path

from local_stack import state
from local_stack.processes import LOCAL_WORKSPACE, token
from local_stack.state import StackError

ROLES = ("viewer", "operator", "admin")


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["demo"]:
        return _run_demo(arguments[1:])
    parsed = _parser().parse_args(arguments)
    try:
        _run(parsed)
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _run(parsed: argparse.Namespace) -> None:
    # Imported where used: `token` and `down` need no Kafka client.
    folder = state.state_folder()
    match parsed.command:
        case "up":
            from local_stack.up import up

            if folder.parent == state.CLOSED_CHECKOUT_STATE:
                print(f"The checkout is closed to PostgreSQL's system user: the state is in {folder}.", flush=True)
            up(state.prepare(folder))
        case "down":
            from local_stack.up import down

            down(folder)
        case "clean":
            if state.is_locked(folder):
                raise StackError("it is up: end it first with `make down`")
            if folder.exists():
                shutil.rmtree(folder)
        case "token":
            secrets = _secrets_of_compose() if parsed.of == "compose" else state.read_secrets(state.prepare(folder))
            print(token(secrets["JWT_SECRET"], workspace=str(parsed.workspace), role=parsed.role))
        case "import":
            from local_stack.importing import Wanted, import_file

            options = {"mapping": parsed.mapping, "default_country": parsed.country}
            options |= {
                "on_duplicate": "update" if parsed.update else None,
                "dry_run": "true" if parsed.dry_run else None,
            }
            given = {name: value for name, value in options.items() if value}
            import_file(folder, Wanted(parsed.file, parsed.campaign, str(parsed.workspace), given))
        case "replay" | "export" | "import-log" | "backfill" | "audit" | "rebuild":
            _use_log(folder, parsed)
        case _:
            from local_stack import look

            match parsed.command:
                case "status":
                    look.status(folder)
                case "logs":
                    look.logs(folder, parsed.service)
                case "psql":
                    look.psql(folder, parsed.service)
                case "tail":
                    look.tail(folder, parsed.topic, from_beginning=parsed.beginning)


def _use_log(folder: Path, parsed: argparse.Namespace) -> None:
    """The services' own commands about the log. Each replaces this process."""
    from local_stack import log_tools

    def of_campaign() -> list[str]:
        return ["--campaign", log_tools.campaign_id(folder, parsed.campaign, workspace=str(parsed.workspace))]

    match parsed.command:
        case "replay":
            moments = {"--from": parsed.first, "--to": parsed.last, "--format": parsed.format}
            given = [word for name, value in moments.items() if value for word in (name, value)]
            log_tools.on_log(folder, "replay", [*of_campaign(), *given])
        case "export":
            log_tools.on_log(folder, "export", of_campaign())
        case "import-log":
            log_tools.on_log(folder, "import-log", [parsed.file])
        case "backfill":
            wanted = {"--to": parsed.to, "--of": parsed.source, "--from": parsed.first, "--rate": parsed.rate}
            log_tools.on_log(folder, "backfill", [word for name, v in wanted.items() if v for word in (name, v)])
        case "audit":
            shown = ["--format", parsed.format] if parsed.format else []
            log_tools.audit(folder, [*(of_campaign() if parsed.campaign else []), *shown])
        case "rebuild":
            log_tools.rebuild(folder, parsed.service)


def _secrets_of_compose() -> dict[str, str]:
    from local_stack import env_file

    known = env_file.read()
    if "JWT_SECRET" not in known:
        raise StackError("docker compose has no .env yet: run `make env`")
    return known


def _run_demo(arguments: list[str]) -> int:
    try:
        return int(importlib.import_module("local_stack.demo").main(arguments))
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="servers and services in the foreground")
    commands.add_parser("down", help="ends them, from another shell")
    commands.add_parser("clean", help="removes the state: databases, topics, logs, secrets")
    commands.add_parser("status", help="what runs")
    commands.add_parser("logs", help="follows the logs").add_argument("service", nargs="?")
    commands.add_parser("psql", help="a prompt on a service's database").add_argument("service", nargs="?")
    tail = commands.add_parser("tail", help="prints a topic's records")
    tail.add_argument("topic")
    tail.add_argument("--beginning", action="store_true", help="from the first record on")
    make_token = commands.add_parser("token", help="prints a bearer token, good for 12 hours")
    make_token.add_argument("--of", choices=("local", "compose"), default="local", help="which system's")
    make_token.add_argument("--role", choices=ROLES, default="admin")
    make_token.add_argument("--workspace", type=uuid.UUID, default=uuid.UUID(LOCAL_WORKSPACE))
    bring = commands.add_parser("import", help="a contact file into a campaign, with a progress bar")
    bring.add_argument("file", type=Path)
    bring.add_argument("--campaign", required=True, help="its id, or its name")
    bring.add_argument("--country", help="in which national numbers are read; otherwise the campaign's")
    bring.add_argument("--mapping", help='what columns are, as JSON: {"Handy":"phone"}')
    bring.add_argument("--update", action="store_true", help="duplicates: what the file brings replaces details")
    bring.add_argument("--dry-run", action="store_true", help="answer everything, add nothing")
    bring.add_argument("--workspace", type=uuid.UUID, default=uuid.UUID(LOCAL_WORKSPACE))
    _add_log_commands(commands)
    commands.add_parser("demo", help="a whole campaign in a minute", add_help=False)
    return parser


def _add_log_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    replay = commands.add_parser("replay", help="a campaign's facts in words, and its state at a moment")
    replay.add_argument("--from", dest="first", help="show facts from this position or time on")
    replay.add_argument("--as-of", "--to", dest="last", help="a position or a time; otherwise now")
    export = commands.add_parser("export", help="a campaign's log as JSON lines")
    audit = commands.add_parser("audit", help="checks every call and the log again; exit code 1 for findings")
    for command in (replay, audit):
        command.add_argument("--format", choices=("table", "jsonl"))
    for command in (replay, export, audit):
        command.add_argument("--campaign", required=command is not audit, help="its id, or its name")
        command.add_argument("--workspace", type=uuid.UUID, default=uuid.UUID(LOCAL_WORKSPACE))
    bring = commands.add_parser("import-log", help="an exported log into this system, which must be empty")
    bring.add_argument("file")
    backfill = commands.add_parser("backfill", help="publishes the log again into a topic; goes on where it stopped")
    backfill.add_argument("--to", required=True)
    backfill.add_argument("--of", dest="source")
    backfill.add_argument("--from", dest="first")
    backfill.add_argument("--rate")
    commands.add_parser("rebuild", help="a service's fold, anew while it runs").add_argument("service")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
