"""`grade data`: which data set is used; installs and downloads one."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from grader.cli.progress import Progress
from grader.pipeline import data_in_use, download_data, install_data


@click.command("data")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, file_okay=False),
    help="Install the train.npz and test.npz of this folder.",
)
@click.option("--download", is_flag=True, help="Fetch MNIST and verify its SHA-256.")
@click.option("--assignment", type=click.Path(path_type=Path, file_okay=False), help="The assignment's folder.")
def data_command(source: Path | None, download: bool, assignment: Path | None) -> int:
    """Show which data set is used, or install one."""
    if source is not None and download:
        raise click.UsageError("--from and --download exclude each other")
    with Progress(Console(stderr=True)) as progress:
        if source is not None:
            dataset = install_data(source, assignment, progress.step)
        elif download:
            dataset = download_data(assignment, progress.step)
        else:
            dataset = data_in_use(assignment, progress.step)
    click.echo(f"{dataset.name}: {dataset.train:,} training and {dataset.test:,} test images, sha256 {dataset.sha256}")
    return 0
