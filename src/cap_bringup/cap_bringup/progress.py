"""An instruction's progress on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.status import Status
from rich.syntax import Syntax
from rich.text import Text

from cap_common.errors import error_names


class ProgressView:
    """Prints what the action's feedback tells, each thing once."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status
        self._program = ''
        self._spoken: list[str] = []

    def show(self, feedback: Any) -> None:
        """One feedback message."""
        if feedback.program and feedback.program != self._program:
            self._program = feedback.program
            self._console.print(program_panel(feedback.program))
        if feedback.spoken_text:
            self._say(feedback.spoken_text)
        where = f'line {feedback.line}: ' if feedback.line else ''
        self._status.update(Text(f'{feedback.state}  {where}{feedback.call}'))

    def show_answer(self, answer: str) -> None:
        """All that was said, when it has ended: print what did not come as feedback."""
        shown = '\n'.join(self._spoken)
        if answer != shown:
            self._say(answer.removeprefix(shown).removeprefix('\n'))

    def _say(self, text: str) -> None:
        self._spoken.append(text)
        self._console.print('🔈 ' + text.replace('\n', '\n   '))


def failure_text(result: Any) -> str:
    """Label and text of a Result that has an error: `unreachable: ...`."""
    label = error_names(type(result)).get(result.error_code, f'error {result.error_code}').lower()
    return f'{label}: {result.error_msg}'


def program_panel(program: str, title: str = 'program') -> Panel:
    """A program in a frame."""
    code = Syntax(program.strip(), 'python', theme='ansi_dark', word_wrap=True)
    return Panel(code, title=Text(title), title_align='left', expand=False)
