"""`fileshare verify`, `export`, `import`, `backup`, `restore-backup`: parse, run, say what came of it.

The jobs themselves are services; here is only who may run them when, and their words.
"""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, closing, nullcontext
from pathlib import Path

from fileshare.cli.commands import Command, config_from
from fileshare.cli.nested import with_json
from fileshare.cli.output import in_words, print_json, shown
from fileshare.cli.watching import watching
from fileshare.services.tally import Tally
from fileshare.services.verification import Damage, Findings

DAMAGED = 5
SOME_FAILED = 10
"""The numbers that `fileshare-client` ends with for the same."""


def _verify(args: Namespace) -> int:
    findings = asyncio.run(_run_verification(args))
    for damage in findings.damaged:
        _show_damage(damage, as_json=args.json)
    if not args.json:
        print(_verdict(findings))
    return DAMAGED if findings.damaged else 0


async def _run_verification(args: Namespace) -> Findings:
    from fileshare.cli.office import reading_stores
    from fileshare.services.verification import Verification

    async with reading_stores(config_from(args).data_dir) as (catalog, blobs):
        with watching() as watch:
            return await Verification(catalog, blobs).run(watch.phase("Verifying"))


def _show_damage(damage: Damage, *, as_json: bool) -> None:
    if as_json:
        print_json(damaged=damage.what, message=damage.message, paths=list(damage.paths))
        return
    print(f"DAMAGED {damage.what}: {damage.message}")
    for path in damage.paths:
        print(f"    {shown(path)}")


def _verdict(findings: Findings) -> str:
    read = f"{findings.contents} contents, {in_words(findings.size)}, {findings.uploads} half-done uploads"
    if findings.damaged:
        return f"Read {read}: {len(findings.damaged)} damaged. A damaged content is not served."
    return f"Read {read}: all whole."


def _export(args: Namespace) -> int:
    return _say_tally("Exported", asyncio.run(_run_export(args)))


async def _run_export(args: Namespace) -> Tally:
    from fileshare.cli.office import reading_stores
    from fileshare.services.exports import Export
    from fileshare.storage.export_folder import ExportFolder

    async with reading_stores(config_from(args).data_dir) as (catalog, blobs):
        with watching() as watch:
            return await Export(catalog, blobs, ExportFolder(args.dir)).run(watch.phase("Exporting"))


def _import(args: Namespace) -> int:
    return _say_tally("Imported", asyncio.run(_run_import(args)))


async def _run_import(args: Namespace) -> Tally:
    from fileshare.cli.office import importing
    from fileshare.storage.import_folder import ImportFolder

    async with importing(config_from(args), owner=args.owner, folder=args.to) as job:
        with watching() as watch:
            return await job.run(ImportFolder(args.dir), watch.phase("Importing"))


def _say_tally(verb: str, tally: Tally) -> int:
    for path, name in tally.renamed.items():
        print(f"{shown(path)}: other content has that name, so it is kept as {shown(name)}")
    for problem in tally.problems:
        print(f"{shown(problem.path)}: {problem.message}", file=sys.stderr)
    already = f", {tally.already_there} were there already" if tally.already_there else ""
    left_out = f", {len(tally.problems)} left out" if tally.problems else ""
    print(f"{verb} {tally.files} files, {in_words(tally.size)}{already}{left_out}.")
    return SOME_FAILED if tally.problems else 0


def _backup(args: Namespace) -> int:
    from fileshare.cli.office import deletion_resting

    source = config_from(args).data_dir
    return asyncio.run(_copy(source, args.dir, deletion_resting(source), "Backed up"))


def _restore(args: Namespace) -> int:
    return asyncio.run(_copy(args.dir, config_from(args).data_dir, nullcontext(), "Restored"))


async def _copy(source: Path, target: Path, at_rest: AbstractAsyncContextManager[None], verb: str) -> int:
    from fileshare.services.backup import Backup
    from fileshare.storage.folder_copy import FolderCopy

    async with at_rest:
        with watching() as watch, closing(FolderCopy(source, target)) as copy:
            findings = await Backup(copy).run(watch.phase("Copying"), watch.phase("Checking"))
    for damage in findings.damaged:
        _show_damage(damage, as_json=False)
    print(f"{verb} to {target}. {_verdict(findings)}")
    return DAMAGED if findings.damaged else 0


def _add_export(parser: ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", type=Path, help="folder to fill; made when it is missing")


def _add_import(parser: ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", type=Path, help="folder whose content is taken in")
    parser.add_argument("--to", metavar="FOLDER", default="", help="folder to put it in (default: the top)")
    parser.add_argument(
        "--owner", metavar="NAME", default="admin", help="whose files they are (default: admin)"
    )


def _add_backup(parser: ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", type=Path, help="new or empty folder for the copy")


def _add_restore(parser: ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", type=Path, help="a backup; --data-dir names the new folder")


UPKEEP: Sequence[Command] = (
    Command(
        "verify",
        "Read every stored byte, and name what is damaged: from then on it is not served.",
        _verify,
        with_json,
    ),
    Command("export", "Write all files, as plain files, into a folder.", _export, _add_export),
    Command("import", "Take a folder of plain files in, while the server is stopped.", _import, _add_import),
    Command(
        "backup",
        "Copy the data folder, also while the server runs, and check the copy.",
        _backup,
        _add_backup,
    ),
    Command("restore-backup", "Make a new data folder of a backup, and check it.", _restore, _add_restore),
)
