"""Show what a model is asked, and answer it: ./cap prompt --help."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from cap_planner.completion import program_from_completion
from cap_planner.domains import DOMAINS
from cap_planner.lmp import build_messages
from cap_planner.models import ModelMalformedError, ModelUnavailableError, Options, open_model


def main(argv: Sequence[str] | None = None) -> int:
    """Print the messages of one request and the program that comes back."""
    parser = argparse.ArgumentParser(prog='./cap prompt', description=main.__doc__)
    parser.add_argument('query', help='the request, in words')
    parser.add_argument('--domain', default='tabletop', choices=DOMAINS)
    parser.add_argument('--lmp', help='by default the one that takes instructions')
    parser.add_argument('--objects', nargs='*', default=['blue block', 'red block', 'red bowl'])
    parser.add_argument('--model', default='offline')
    parser.add_argument('--messages', action='store_true', help='print the prompt too')
    args = parser.parse_args(argv)
    domain = DOMAINS[args.domain]
    lmp = domain.prompts.get(args.lmp or domain.ui.name)
    if lmp is None:
        parser.error(f'no LMP {args.lmp!r}; there are {", ".join(domain.prompts)}')
    messages = build_messages(lmp, domain.api, args.query, f'objects = {args.objects}')
    if args.messages:
        for message in messages:
            print(f'── {message["role"]}\n{message["content"]}\n')
    try:
        completion = open_model(args.model).complete(messages, Options(deadline_s=60.0))
        print(program_from_completion(completion.text), end='')
    except (ModelMalformedError, ModelUnavailableError) as error:
        print(f'{error.name}: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
