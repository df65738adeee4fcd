"""`extractor replies`: whether the recorded replies are current."""

from __future__ import annotations

from typing import Annotated

import typer

from extractor.cli.exit import errors_as_messages
from extractor.cli.options import (
    AnswerFormatOption,
    BaseUrlOption,
    EncodingOption,
    IdColumnOption,
    Inputs,
    MaxOutputTokensOption,
    ModelOption,
    ReasoningEffortOption,
    RepliesOption,
    SchemaOption,
    SecondPassOption,
    SeparateFieldsOption,
    TemperatureOption,
    TextColumnOption,
    VerifyOption,
    read_answer_format,
)

replies_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Recorded replies: see whether they are current."
)


@replies_app.command("check", epilog="Example: extractor replies check seeds")
def replies_check(
    inputs: Inputs,
    schema: SchemaOption = "meeting",
    model: ModelOption = "local",
    base_url: BaseUrlOption = None,
    replies: RepliesOption = None,
    encoding: EncodingOption = None,
    text_column: TextColumnOption = None,
    id_column: IdColumnOption = None,
    second_pass: SecondPassOption = False,
    verify: VerifyOption = False,
    separate_fields: SeparateFieldsOption = False,
    max_output_tokens: MaxOutputTokensOption = None,
    temperature: TemperatureOption = None,
    reasoning_effort: ReasoningEffortOption = None,
    answer_format: AnswerFormatOption = None,
    prune: Annotated[bool, typer.Option("--prune", help="Delete the recordings that no question uses.")] = False,
) -> None:
    """Show which recorded replies are missing or unused for these inputs, and why.

    Exit code 0: all are there and in use; 1: some are missing or unused; 2: wrong usage.
    """
    from extractor.runs.check_recordings import check_replies
    from extractor.runs.settings import Settings

    settings = Settings(
        inputs=inputs,
        schema=schema,
        model=model,
        base_url=base_url,
        replies=replies,
        mode="replay",
        encoding=encoding,
        text_column=text_column,
        id_column=id_column,
        second_pass=second_pass,
        verify=verify,
        separate_fields=separate_fields,
        max_output_tokens=max_output_tokens,
        temperature=temperature,
        reasoning_effort=reasoning_effort,
        answer_format=read_answer_format(answer_format),
    )
    with errors_as_messages():
        findings, lines = check_replies(settings, prune)
    for line in lines:
        print(line)
    raise typer.Exit(1 if findings else 0)
