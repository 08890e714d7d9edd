"""What a shell completes beside commands and options: names of models, recipes and labels, selections, and numbers.

It is asked for at a key press, so it waits for no service that does not answer at once, and says nothing of one.
"""

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from pipeline.text import folded

MOST = 50  # that a person would look through

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completion(name: str) -> Complete:
    """The completion by the candidates of this name, whatever the case; by nothing where they cannot be found now."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        del param
        try:
            from polelens.cli import candidates  # noqa: PLC0415 -- slow to import: a key press, and no command, needs it

            found = getattr(candidates, name)(ctx, incomplete)
            near = [(word, told) for word, told in found if folded(word).startswith(folded(incomplete))]
        except Exception:
            return []
        return [CompletionItem(word, help=told) for word, told in near[:MOST] if word.isprintable()]

    return complete


model_references = _completion("model_references")
policy_models = _completion("policy_models")
recipe_names = _completion("recipe_names")
label_names = _completion("label_names")
selections = _completion("selections")
audit_numbers = _completion("audit_numbers")
schedule_numbers = _completion("schedule_numbers")


def model_or_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """A registered model where one begins so, else whatever file does."""
    return model_references(ctx, param, incomplete) or [CompletionItem(incomplete, type="file")]
