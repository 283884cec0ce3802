"""The `cap` command line."""

from __future__ import annotations

import argparse
import getpass
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cap_bringup.node_list import TABLETOP_ARGUMENTS, tabletop
from cap_bringup.workspace import ROOT

if TYPE_CHECKING:
    from cap_bringup.client import Client

DEFAULT_INSTRUCTION = 'put the blocks in the bowls with matching colors'
_INSTRUCTION_S = 900.0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    arguments = _parser().parse_args(argv)
    console = Console(highlight=False)
    command: Callable[[argparse.Namespace, Console], int] = arguments.run
    return command(arguments, console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='./cap', description='Code as Policies for ROS 2. `./cap setup` makes the workspace.'
    )
    commands = parser.add_subparsers(required=True, metavar='command')

    demo = commands.add_parser('demo', help='carry out one instruction in simulation, judged')
    demo.add_argument('instruction', nargs='?', default=DEFAULT_INSTRUCTION)
    demo.add_argument(
        '--out', type=Path, default=Path('out/demo'), help='folder for what it writes'
    )
    _add_launch_arguments(demo, seed='drawn')
    demo.set_defaults(run=_demo)

    up = commands.add_parser('up', help='run the system until Ctrl-C, one process per node')
    up.add_argument('system', choices=['tabletop'])
    up.add_argument('--log', type=Path, default=Path('log/up'), help="folder for the nodes' logs")
    _add_launch_arguments(up)
    up.set_defaults(run=_up)

    instruct = commands.add_parser('instruct', help='send an instruction to the running system')
    instruct.add_argument('instruction')
    instruct.add_argument('--session', default='', help='instructions of one session share context')
    instruct.set_defaults(run=_instruct)

    stop = commands.add_parser('stop', help='stop every motion, and latch it')
    stop.add_argument('why', nargs='?', default='')
    stop.set_defaults(run=_stop)
    commands.add_parser('resume', help='allow motion again').set_defaults(run=_resume)
    commands.add_parser('doctor', help='say what is missing').set_defaults(run=_doctor)
    bench = commands.add_parser('bench', help='run a benchmark of benchmarks/')
    bench.add_argument('name', choices=sorted(p.stem for p in (ROOT / 'benchmarks').glob('*.py')))
    bench.add_argument('arguments', nargs=argparse.REMAINDER)
    bench.set_defaults(run=_bench)
    test = commands.add_parser('test', help='run every check and test')
    test.add_argument('pytest_arguments', nargs=argparse.REMAINDER)
    test.set_defaults(run=_test)
    commands.add_parser('help', help='this text').set_defaults(run=_help)
    return parser


def _help(*_: object) -> int:
    _parser().print_help()
    return 0


def _add_launch_arguments(parser: argparse.ArgumentParser, **shown_defaults: str) -> None:
    for argument in TABLETOP_ARGUMENTS:
        default = shown_defaults.get(argument.name, argument.default)
        parser.add_argument(
            f'--{argument.name.replace("_", "-")}',
            dest=f'launch_{argument.name}',
            help=f'{argument.description} (default: {default or "see there"})',
        )


def _launch_arguments(arguments: argparse.Namespace) -> dict[str, str]:
    """Those that were given."""
    given = {a.name: getattr(arguments, f'launch_{a.name}') for a in TABLETOP_ARGUMENTS}
    return {name: value for name, value in given.items() if value is not None}


def _demo(arguments: argparse.Namespace, console: Console) -> int:
    from cap_bringup.demo import DemoOptions, run_demo  # noqa: PLC0415 - ROS loads slowly

    options = DemoOptions(arguments.instruction, arguments.out, _launch_arguments(arguments))
    return run_demo(options, console)


def _up(arguments: argparse.Namespace, console: Console) -> int:
    from cap_bringup.client import Client  # noqa: PLC0415
    from cap_bringup.supervisor import Supervisor, node_environment  # noqa: PLC0415
    from cap_common.errors import CapError  # noqa: PLC0415

    values = {a.name: a.default for a in TABLETOP_ARGUMENTS} | _launch_arguments(arguments)
    environment = node_environment()
    os.environ.update(environment)
    ended = False

    def end(*_: object) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    with Supervisor(tabletop(values), arguments.log, environment, restart=True) as nodes:
        console.print(f'nodes started; their logs are in {arguments.log}/')

        def report() -> None:
            for event in nodes.poll():
                console.print(f'[yellow]{event}[/yellow]')
            if ended:
                raise CapError('ended before it was ready')

        with Client() as client:
            try:
                client.wait_ready(90.0, meanwhile=report)
            except CapError as error:
                console.print(f'[red]{error}[/red]')
                return 1
        console.print(
            'ready. In another terminal: ./cap instruct "put the red block ..."; Ctrl-C ends'
        )
        while not ended:
            report()
            time.sleep(0.2)
    return 0


def _instruct(arguments: argparse.Namespace, console: Console) -> int:
    from cap_bringup.demo import ProgressView  # noqa: PLC0415
    from cap_common.errors import CapError  # noqa: PLC0415

    canceled = False

    def cancel(*_: object) -> None:
        nonlocal canceled
        canceled = True

    with _client() as client, console.status('') as status:
        signal.signal(signal.SIGINT, cancel)
        try:
            client.wait_ready(10.0)
            result = client.execute(
                arguments.instruction,
                session=arguments.session,
                timeout_s=_INSTRUCTION_S,
                on_feedback=ProgressView(console, status).show,
                canceled=lambda: canceled,
            )
        except CapError as error:
            console.print(f'[red]{type(error).__name__}: {error}[/red]')
            return 1
    if result.error_code:
        console.print(f'[red]{result.outcome}: {result.error_msg}[/red]')
    else:
        console.print(f'[green]{result.outcome}[/green]')
    console.print(f'evidence {result.evidence_id}')
    return 1 if result.error_code else 0


def _stop(arguments: argparse.Namespace, console: Console) -> int:
    from cap_common.errors import CapError  # noqa: PLC0415

    with _client() as client:
        try:
            response = client.stop(getpass.getuser(), arguments.why)
        except CapError as error:
            console.print(f'[red]UNCERTAIN: {error}[/red]')
            return 1
    names = {0: '[green]STOPPED', 1: '[red]FAILED', 2: '[red]UNCERTAIN'}
    console.print(f'{names[response.state]}[/]: {response.why}')
    return int(response.state)


def _resume(_: argparse.Namespace, console: Console) -> int:
    from cap_common.errors import CapError  # noqa: PLC0415

    with _client() as client:
        try:
            response = client.resume(getpass.getuser())
        except CapError as error:
            console.print(f'[red]{error}[/red]')
            return 1
    console.print('motion is allowed again' if response.resumed else f'[red]{response.why}[/red]')
    return 0 if response.resumed else 1


def _client() -> Client:
    from cap_bringup.client import Client  # noqa: PLC0415
    from cap_bringup.supervisor import node_environment  # noqa: PLC0415

    os.environ.update(node_environment())
    return Client()


def _doctor(_: argparse.Namespace, console: Console) -> int:
    from cap_bringup.doctor import examine  # noqa: PLC0415

    findings = examine()
    for finding in findings:
        mark = '[green]ok[/]     ' if finding.ok else '[red]missing[/]'
        console.print(f'{mark} {finding.name}' + (f': {finding.text}' if finding.text else ''))
    return 0 if all(finding.ok for finding in findings) else 1


def _bench(arguments: argparse.Namespace, _: Console) -> int:
    script = ROOT / 'benchmarks' / f'{arguments.name}.py'
    return subprocess.run([sys.executable, script, *arguments.arguments], check=False).returncode


def _test(arguments: argparse.Namespace, console: Console) -> int:
    """Style, types, then the tests; with arguments for pytest only these tests."""
    from cap_bringup.checks import run_checks  # noqa: PLC0415

    return run_checks(ROOT, arguments.pytest_arguments, console)


if __name__ == '__main__':
    sys.exit(main())
