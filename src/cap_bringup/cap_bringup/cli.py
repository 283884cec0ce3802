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

from cap_bringup.node_list import TABLETOP_ARGUMENTS, Argument, tabletop
from cap_bringup.workspace import ROOT

if TYPE_CHECKING:
    from cap_bringup.client import Client

DEFAULT_INSTRUCTION = 'put the blocks in the bowls with matching colors'
_INSTRUCTION_S = 900.0
_READY_S = 90.0
# Two processes take up to some seconds to find each other.
_LISTEN_S = 5.0
_POLL_S = 0.2
_DID_NOT_RUN = 4
_STYLE = {True: 'green', False: 'red'}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Exit status 2 is a command line that cannot be, 130 is Ctrl-C."""
    words = sys.argv[1:] if argv is None else list(argv)
    # What follows `test` is pytest's, whatever it looks like.
    arguments = _parser().parse_args(words[:1] if words[:1] == ['test'] else words)
    arguments.words = words
    # Texts of models and people are shown as they are: no markup in what is printed.
    console = Console(highlight=False, markup=False)
    command: Callable[[argparse.Namespace, Console], int] = arguments.run
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return command(arguments, console)
    except KeyboardInterrupt:
        console.print('interrupted')
        return 130


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='./cap', description='Code as Policies for ROS 2. `./cap setup` makes the workspace.'
    )
    parser.set_defaults(run=_help)
    commands = parser.add_subparsers(metavar='command')

    demo = commands.add_parser('demo', help='carry out one instruction in simulation, judged')
    demo.add_argument('instruction', nargs='?', default=DEFAULT_INSTRUCTION)
    demo.add_argument(
        '--out', type=Path, default=Path('out/demo'), help='folder for what it writes'
    )
    _add_launch_arguments(demo, seed='drawn', evidence='evidence.db in the folder')
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
    test = commands.add_parser('test', help='run every check and test; arguments go to pytest')
    test.set_defaults(run=_test)
    commands.add_parser('help', help='this text').set_defaults(run=_help)
    return parser


def _help(*_: object) -> int:
    _parser().print_help()
    return 0


def _add_launch_arguments(parser: argparse.ArgumentParser, **shown_defaults: str) -> None:
    for argument in TABLETOP_ARGUMENTS:
        default = shown_defaults.get(argument.name, f'as in config/{argument.node}.yaml')
        parser.add_argument(
            f'--{argument.name.replace("_", "-")}',
            dest=f'launch_{argument.name}',
            type=_text_of(argument),
            help=f'{argument.description} (default: {default})',
        )


def _text_of(argument: Argument) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            argument.value(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return text

    return check


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
    from cap_common.domain import has_participant  # noqa: PLC0415
    from cap_common.errors import CapError  # noqa: PLC0415

    environment = node_environment()
    os.environ.update(environment)
    domain = os.environ.get('ROS_DOMAIN_ID') or '0'
    shared = has_participant(int(domain))
    with Client() as client:
        if shared and client.hears_system(_LISTEN_S):
            console.print(
                f'A system already runs in ROS domain {domain}. For a second one, set '
                'ROS_DOMAIN_ID to another number, in every terminal that is to talk to it.',
                style='red',
            )
            return _DID_NOT_RUN
        specs = tabletop(_launch_arguments(arguments))
        with Supervisor(specs, arguments.log, environment, restart=True) as nodes:
            console.print(f'nodes started; their logs are in {arguments.log}/')

            def report() -> None:
                for event in nodes.poll():
                    console.print(event, style='yellow')

            try:
                client.wait_ready(_READY_S, meanwhile=report)
                objects = client.object_names()
                console.print(f'ready. On the table: {", ".join(objects) or "nothing"}')
                console.print(f'In another terminal: ./cap instruct "{_example(objects)}"')
                console.print('Ctrl-C ends')
                while True:
                    report()
                    time.sleep(_POLL_S)
            except CapError as error:
                console.print(str(error), style='red')
                return _DID_NOT_RUN
            except KeyboardInterrupt:
                return 0


def _example(objects: Sequence[str]) -> str:
    """An instruction that the world on the table allows."""
    blocks = [name for name in objects if name.endswith('block')]
    bowls = [name for name in objects if name.endswith('bowl')]
    if blocks and bowls:
        return f'put the {blocks[0]} in the {bowls[-1]}'
    return 'what do you see?'


def _instruct(arguments: argparse.Namespace, console: Console) -> int:
    from cap_bringup.demo import ProgressView  # noqa: PLC0415
    from cap_common.errors import CapError  # noqa: PLC0415

    canceled = False

    def cancel(*_: object) -> None:
        nonlocal canceled
        canceled = True

    with _client() as client, console.status('') as status:
        # Ctrl-C takes the instruction back, and the robot's answer to that is waited for.
        signal.signal(signal.SIGINT, cancel)
        signal.signal(signal.SIGTERM, cancel)
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
            console.print(f'{type(error).__name__}: {error}', style='red')
            return 1
    if result.error_code:
        console.print(f'{result.outcome}: {result.error_msg}', style='red')
    else:
        console.print(result.outcome, style='green')
    console.print(f'evidence {result.evidence_id}')
    return 1 if result.error_code else 0


def _stop(arguments: argparse.Namespace, console: Console) -> int:
    from cap_common.errors import CapError  # noqa: PLC0415

    with _client() as client:
        try:
            response = client.stop(_user(), arguments.why)
        except CapError as error:
            console.print(f'UNCERTAIN: {error}', style='red')
            return 1
    state = {response.STOPPED: 'STOPPED', response.FAILED: 'FAILED'}.get(
        response.state, 'UNCERTAIN'
    )
    style = 'green' if response.state == response.STOPPED else 'red'
    console.print(f'{state}: {response.why}', style=style)
    return 0 if response.state == response.STOPPED else 1


def _resume(_: argparse.Namespace, console: Console) -> int:
    from cap_common.errors import CapError  # noqa: PLC0415

    with _client() as client:
        try:
            response = client.resume(_user())
        except CapError as error:
            console.print(str(error), style='red')
            return 1
    if response.resumed:
        console.print('motion is allowed again')
    else:
        console.print(response.why, style='red')
    return 0 if response.resumed else 1


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id without an account, as in containers
        return f'user {os.getuid()}'


def _client() -> Client:
    from cap_bringup.client import Client  # noqa: PLC0415
    from cap_bringup.supervisor import node_environment  # noqa: PLC0415

    os.environ.update(node_environment())
    return Client()


def _doctor(_: argparse.Namespace, console: Console) -> int:
    from cap_bringup.doctor import examine  # noqa: PLC0415

    findings = examine()
    for finding in findings:
        console.print('ok     ' if finding.ok else 'missing', end=' ', style=_STYLE[finding.ok])
        console.print(finding.name + (f': {finding.text}' if finding.text else ''))
    return 0 if all(finding.ok for finding in findings) else 1


def _bench(arguments: argparse.Namespace, _: Console) -> int:
    script = ROOT / 'benchmarks' / f'{arguments.name}.py'
    return subprocess.run([sys.executable, script, *arguments.arguments], check=False).returncode


def _test(arguments: argparse.Namespace, console: Console) -> int:
    """Style, types, then the tests; with arguments for pytest only these tests."""
    from cap_bringup.checks import run_checks  # noqa: PLC0415

    return run_checks(ROOT, arguments.words[1:], console)


if __name__ == '__main__':
    sys.exit(main())
