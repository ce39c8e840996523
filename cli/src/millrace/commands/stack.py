"""`millrace up | down | status | logs | doctor | clean`: the local stack."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.status import Status, is_ready, look
from millrace.terminal import note

if TYPE_CHECKING:
    from millrace.progress import Progress

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
WATCH_SECONDS = 2.0


def register(app: typer.Typer) -> None:
    for command in (up, down, stop, start, status, logs, doctor, clean):
        app.command()(command)


def up(
    scale: Annotated[
        list[str] | None,
        typer.Option("--scale", metavar="SERVICE=N", help="Run a service as N processes; can be repeated."),
    ] = None,
) -> None:
    """Start the local stack and wait until it is ready.

    Examples: millrace up; NO_DEMO=1 millrace up; millrace up --scale mapper=2; MILLRACE_HOME=/tmp/second millrace up
    """
    # Imported in the commands: `status` and `--help` are asked often, and must be quick.
    from millrace.progress import progress
    from millrace.stack import lifecycle

    settings = StackSettings.from_environment(scale=scale or ())
    began = time.monotonic()
    with progress() as shown:
        started = lifecycle.up(settings, lambda: _prepare(settings, shown), note, shown.show)
    took = f"is ready after {time.monotonic() - began:.1f} s" if started else "is already running"
    typer.echo(f"Millrace {took} in {settings.home}.")
    _print_addresses(look(Home(settings.home)))
    if settings.demo:
        # Imported here: `down` and `status` must work and be quick without what the demo needs.
        from millrace import demo, demo_accounting, demo_crm, demo_shop

        more = (*demo_shop.STEPS, *demo_crm.STEPS, *demo_accounting.STEPS)
        typer.echo("\n".join(demo.set_up(Home(settings.home), note, more, [demo_accounting.to_try])))


def down() -> None:
    """Stop the local stack; its data stays.

    Examples: millrace down; MILLRACE_HOME=/tmp/second millrace down
    """
    from millrace.stack import lifecycle

    settings = StackSettings.from_environment()
    stopped = lifecycle.down(settings, note)
    typer.echo(f"Stopped; the data stays in {settings.home}." if stopped else "Nothing was running.")


def stop(service: Annotated[str, typer.Argument(help="Which service, as `millrace status` names it.")]) -> None:
    """Stop one service and keep it stopped; `millrace group seek` wants that.

    Examples: millrace stop mapper; millrace stop writer-mailchimp
    """
    from millrace.stack import lifecycle

    lifecycle.hold(StackSettings.from_environment(), service)
    typer.echo(f"{service} is stopped until `millrace start {service}`.")


def start(service: Annotated[str, typer.Argument(help="Which service.")]) -> None:
    """Start a service again that was stopped alone.

    Examples: millrace start mapper; millrace start writer-mailchimp
    """
    from millrace.stack import lifecycle

    lifecycle.release(StackSettings.from_environment(), service)
    typer.echo(f"{service} runs.")


def status(
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every two seconds.")] = False,
) -> None:
    """Say what runs. Exit code 0 when all is ready, 1 when something is not, 3 when nothing runs.

    Examples: millrace status; millrace status --json | jq .parts.kafka.address
    """
    home = Home(StackSettings.from_environment().home)
    while True:
        found = look(home)
        if as_json:
            typer.echo(json.dumps(found.document(), indent=None if watch else 2))
        else:
            _print_status(found)
        if not watch:
            raise typer.Exit(found.exit_code)
        time.sleep(WATCH_SECONDS)


def logs(
    part: Annotated[str | None, typer.Argument(help="Which part; all without it.")] = None,
    following: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 40,
) -> None:
    """Show the logs of the stack's processes.

    Examples: millrace logs; millrace logs kafka -f; millrace logs postgres -n 200
    """
    from millrace.stack.log_reader import follow, show

    home = Home(StackSettings.from_environment().home)
    names = [path.stem for path in sorted(home.logs.glob("*.log"))]
    if part is not None and part not in names:
        known = f"There are logs of {', '.join(names)}." if names else "Nothing has been started yet: `millrace up`."
        raise CommandError(f"There is no log of {part}.", known, ExitCode.NOT_FOUND)
    chosen = {name: home.log(name) for name in names if part in (None, name)}
    show(chosen, lines)
    if following:
        follow(chosen)


def doctor(as_json: AsJson = False) -> None:
    """Check this machine before anything is started: Python, Java, ports, memory, disk, clock.

    Examples: millrace doctor; millrace doctor --json
    """
    from millrace.stack import doctor as checks

    findings = checks.examine(StackSettings.from_environment())
    if as_json:
        typer.echo(json.dumps([finding.document() for finding in findings], indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.grade:<5} {finding.subject:<12} {finding.words}")
    if any(finding.grade == "error" for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def clean(
    everything: Annotated[bool, typer.Option("--all", help="The per-user cache of jars as well.")] = False,
) -> None:
    """Stop the stack and remove all its data, and what was built in the checkout.

    Examples: millrace clean; millrace clean --all
    """
    from millrace.stack import lifecycle

    lifecycle.clean(StackSettings.from_environment(), typer.echo, everything=everything)


def _prepare(settings: StackSettings, shown: Progress) -> None:
    from millrace.stack.jars import JarStore

    if settings.kafka_bootstrap_servers is None:
        JarStore.at(settings.cache, settings.jar_repository).fetch(shown.fetched)


def _print_addresses(found: Status) -> None:
    parts = found.parts()
    width = max((len(unit.name) for unit in parts), default=0)
    for unit in parts:
        where = unit.facts.get("url") if unit.kind == "service" else unit.facts.get("address")
        typer.echo(f"  {unit.name:<{width}}  {where}")
    typer.echo("Look with `millrace status` and `millrace logs`; stop with `millrace down`.")


def _print_status(found: Status) -> None:
    typer.echo(f"{found.state}  {found.home.root}")
    if found.state == "down":
        return
    if not found.supervised:
        typer.echo("The supervisor was killed; `millrace up` or `millrace down` ends what it left and goes on.")
    width = max((len(unit.name) for unit in found.parts()), default=0)
    for unit in found.parts():
        ready = "ready" if is_ready(unit) else "not ready"
        where = (unit.facts.get("url") if unit.kind == "service" else unit.facts.get("address")) or "-"
        restarts = f"  restarts {unit.restarts}" if unit.restarts else ""
        trouble = f"  {unit.trouble}" if unit.trouble and not is_ready(unit) else ""
        pid = f"pid {unit.pid}" if unit.pid else "yours" if unit.given else "-"
        typer.echo(
            f"  {unit.name:<{width}}  {ready:<9}  {where:<28}  {pid:<11} {unit.version or ''}{restarts}{trouble}"
        )
