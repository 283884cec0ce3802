"""The `cap` command line."""

from __future__ import annotations

import argparse
import getpass
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

from cap_bringup.node_list import SYSTEMS, TABLETOP_ARGUMENTS, Argument
from cap_bringup.workspace import ROOT
from cap_common.domain import DomainIdError

_Commands: TypeAlias = 'argparse._SubParsersAction[argparse.ArgumentParser]'

DEFAULT_INSTRUCTION = 'put the blocks in the bowls with matching colors'
# What follows these is another parser's, whatever it looks like.
_PASSED_ON = ('prompt', 'test')
_STYLE = {True: 'green', False: 'red'}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Exit status 2 is a command line that cannot be, 130 is Ctrl-C."""
    words = sys.argv[1:] if argv is None else list(argv)
    is_passed_on = words[:1] and words[0] in _PASSED_ON
    arguments = _parser().parse_args(words[:1] if is_passed_on else words)
    arguments.words = words
    # Texts of models and people are shown as they are: no markup in what is printed.
    console = Console(highlight=False, markup=False, emoji=False)
    command: Callable[[argparse.Namespace, Console], int] = arguments.run
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return command(arguments, console)
    except DomainIdError as error:
        console.print(str(error), style='red')
        return 2
    except KeyboardInterrupt:
        console.print('interrupted')
        return 130
    except BrokenPipeError:  # as of `./cap log | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


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
    up.add_argument('system', choices=SYSTEMS)
    up.add_argument('--log', type=Path, default=Path('log/up'), help="folder for the nodes' logs")
    _add_launch_arguments(up)
    up.set_defaults(run=_up)

    instruct = commands.add_parser('instruct', help='send an instruction to the running system')
    instruct.add_argument('instruction')
    instruct.add_argument('--session', default='', help='instructions of one session share context')
    instruct.set_defaults(run=_instruct)

    _add_run(commands)
    _add_evidence_commands(commands)

    stop = commands.add_parser('stop', help='stop every motion, and latch it')
    stop.add_argument('why', nargs='?', default='')
    stop.set_defaults(run=_stop)
    commands.add_parser('resume', help='allow motion again').set_defaults(run=_resume)
    commands.add_parser('doctor', help='say what is missing').set_defaults(run=_doctor)
    bench = commands.add_parser('bench', help='run a benchmark of benchmarks/')
    bench.add_argument('name', choices=sorted(p.stem for p in (ROOT / 'benchmarks').glob('*.py')))
    bench.add_argument('arguments', nargs=argparse.REMAINDER)
    bench.set_defaults(run=_bench)
    prompt = commands.add_parser(
        'prompt',
        help='show what a model is asked for a request, and what it answers',
        add_help=False,
    )
    prompt.set_defaults(run=_prompt)
    shorten = commands.add_parser(
        'shorten', help='print a recording of model answers without its prompts: docs/models.md'
    )
    shorten.add_argument('file', type=Path)
    shorten.set_defaults(run=_shorten)
    reference = commands.add_parser(
        'reference', help='write docs/api/ and docs/error_codes.md anew from the declarations'
    )
    reference.set_defaults(run=_reference)
    test = commands.add_parser(
        'test',
        help='run every check and test, with --neural those of the extra [neural]; arguments go to '
        'pytest',
    )
    test.set_defaults(run=_test)
    commands.add_parser('help', help='this text').set_defaults(run=_help)
    return parser


def _add_run(commands: _Commands) -> None:
    run = commands.add_parser('run', help='run a program of your own, as one that a model wrote')
    run.add_argument('file', metavar='FILE.py', help='- reads it from standard input')
    run.add_argument(
        '--verifier',
        choices=['on', 'off'],
        default='on',
        help='off: only with CAP_ALLOW_UNVERIFIED=1 in the environment, and every OS layer on',
    )
    run.add_argument('--session', default='', help='what earlier programs of it left is known')
    run.add_argument('--out', type=Path, help='folder for what it writes (default: out/run)')
    _add_launch_arguments(run, seed='drawn', evidence='evidence.db in the folder')
    run.set_defaults(run=_run)


def _add_evidence_commands(commands: _Commands) -> None:
    log = commands.add_parser('log', help='show the newest instructions, or all about one')
    log.add_argument('id', nargs='?', default='', help='beginning of an id, or "last"')
    log.add_argument('--last', type=_count, default=20, metavar='N', help='how many to list')
    log.add_argument('--session', help='only of this session')
    log.add_argument('--label', type=_label, help='only those that failed so; "none": succeeded')
    log.add_argument('--json', action='store_true', help='for other tools: docs/evidence.md')
    _add_evidence(log)
    log.set_defaults(run=_log)

    replay = commands.add_parser(
        'replay', help='run a record again, in simulation, and say what differs'
    )
    replay.add_argument('id', help='beginning of an id, or "last"')
    replay.add_argument(
        '--out', type=Path, default=Path('out/replay'), help='folder for what it writes'
    )
    _add_evidence(replay)
    replay.set_defaults(run=_replay)


def _help(*_: object) -> int:
    _parser().print_help()
    return 0


def _add_evidence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--evidence',
        type=Path,
        metavar='FILE',
        help="(default: the planner's, config/planner.yaml)",
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError('at least 1')
    return number


def _label(text: str) -> str:
    from cap_planner.labels import Label  # noqa: PLC0415

    if text == 'none':
        return ''
    if text not in set(Label):
        raise argparse.ArgumentTypeError(f'no label {text!r}; there are none, {", ".join(Label)}')
    return text


def _add_launch_arguments(parser: argparse.ArgumentParser, **shown_defaults: str) -> None:
    for argument in TABLETOP_ARGUMENTS:
        default = shown_defaults.get(argument.name, argument.default)
        parser.add_argument(
            f'--{argument.name.replace("_", "-")}',
            dest=f'launch_{argument.name}',
            metavar=argument.kind.__name__.upper(),
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
    from cap_bringup.up import run_up  # noqa: PLC0415

    return run_up(_launch_arguments(arguments), arguments.log, console)


def _instruct(arguments: argparse.Namespace, console: Console) -> int:
    from cap_bringup.instruct import run_instruct  # noqa: PLC0415

    return run_instruct(arguments.instruction, arguments.session, console)


def _run(arguments: argparse.Namespace, console: Console) -> int:
    from cap_bringup.run import RunOptions, run_file  # noqa: PLC0415

    options = RunOptions(
        source=arguments.file,
        skip_verifier=arguments.verifier == 'off',
        session=arguments.session,
        out=arguments.out,
        arguments=_launch_arguments(arguments),
    )
    return run_file(options, console)


def _log(arguments: argparse.Namespace, console: Console) -> int:
    from cap_bringup.log import LogOptions, run_log  # noqa: PLC0415

    options = LogOptions(
        record=arguments.id,
        last=arguments.last,
        session=arguments.session,
        label=arguments.label,
        as_json=arguments.json,
        evidence=arguments.evidence,
    )
    return run_log(options, console)


def _replay(arguments: argparse.Namespace, console: Console) -> int:
    from cap_bringup.replay import ReplayOptions, run_replay  # noqa: PLC0415

    return run_replay(ReplayOptions(arguments.id, arguments.out, arguments.evidence), console)


def _stop(arguments: argparse.Namespace, console: Console) -> int:
    from cap_bringup.instruct import connect  # noqa: PLC0415
    from cap_common.errors import CapError  # noqa: PLC0415

    with connect() as client:
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
    from cap_bringup.instruct import connect  # noqa: PLC0415
    from cap_common.errors import CapError  # noqa: PLC0415

    with connect() as client:
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


def _prompt(arguments: argparse.Namespace, _: Console) -> int:
    from cap_planner.models.show_prompt import main  # noqa: PLC0415

    return main(arguments.words[1:])


def _shorten(arguments: argparse.Namespace, console: Console) -> int:
    from cap_planner.models import ModelUnavailableError  # noqa: PLC0415
    from cap_planner.models.transcript import shortened  # noqa: PLC0415

    try:
        sys.stdout.writelines(shortened(arguments.file))
    except ModelUnavailableError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _reference(*_: object) -> int:
    from cap_bringup.reference import write_pages  # noqa: PLC0415

    write_pages()
    return 0


def _test(arguments: argparse.Namespace, console: Console) -> int:
    """Style, types, then the tests; with arguments for pytest only these tests."""
    from cap_bringup.checks import run_checks  # noqa: PLC0415
    from cap_bringup.neural import run_neural  # noqa: PLC0415

    words = arguments.words[1:]
    if words[:1] == ['--neural']:
        return run_neural(ROOT, words[1:], console)
    return run_checks(ROOT, words, console)


if __name__ == '__main__':
    sys.exit(main())
