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
            secrets = state.read_secrets(state.prepare(folder))
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
    commands.add_parser("demo", help="a whole campaign in a minute", add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
