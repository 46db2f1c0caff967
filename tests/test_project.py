"""What holds for the project as a whole: its files, its locks, its README."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from schedules.cli import COMMANDS, main

ROOT = Path(__file__).parent.parent
ROOMS = ("broadcast", "uploader", "schedules", "web")
TOP = {
    *ROOMS, "tests", "README.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml", "requirements.lock",
    "package.json", "package-lock.json", ".npmrc", ".ci", ".gitignore",
}  # fmt: skip


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is not a git checkout, so nobody can tell which files are the project's")
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def _sources(*kinds: str) -> Iterator[tuple[Path, str]]:
    for path in _tracked():
        if path.suffix in kinds and path.name != Path(__file__).name:
            yield path, (ROOT / path).read_text(encoding="utf-8")


def test_the_top_folder_holds_only_what_it_should() -> None:
    assert {path.parts[0] for path in _tracked()} <= TOP


def test_no_folder_is_a_drawer_for_anything() -> None:
    drawers = {"utils", "util", "helpers", "common", "core", "misc"}
    assert [path for path in _tracked() if drawers & {part.lower() for part in path.parts[:-1]}] == []


def test_nothing_is_left_to_be_written() -> None:
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, content in _sources(".py", ".js", ".css", ".html", ".toml", ".md")
        for number, line in enumerate(content.splitlines(), 1)
        if unfinished.search(line)
    ]
    assert found == []


def test_every_requirement_is_pinned_and_hashed() -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_lock_holds_everything_the_project_asks_for() -> None:
    locked = {
        canonicalize_name(name): version
        for name, version in re.findall(
            r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
        )
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
        *project["build-system"]["requires"],
    ]
    missing = [
        str(requirement)
        for requirement in map(Requirement, wanted)
        if not requirement.specifier.contains(
            locked.get(canonicalize_name(requirement.name), "0"), prereleases=True
        )
    ]
    assert missing == [], "run `make lock`"


@pytest.mark.parametrize("name", ["requirements.lock", "package-lock.json", ".npmrc", "pyproject.toml"])
def test_no_lock_names_where_the_packages_came_from(name: str) -> None:
    content = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in content
    assert 'resolved":' not in content
    assert not re.search(r"^--(index|extra-index|find-links|trusted-host)", content, re.MULTILINE)
    assert not re.search(r"\b[\w-]+\.(com|org|net|io|dev|se)\b", content)


def test_every_package_of_the_pages_is_exact_and_has_its_checksum() -> None:
    asked = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())
    for group in ("dependencies", "devDependencies"):
        assert lock["packages"][""].get(group, {}) == asked.get(group, {}), "run `make lock`"
        assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.get(group, {}).values())
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert packages
    assert all(facts["integrity"].startswith("sha512-") for facts in packages.values())


def test_the_readme_names_every_command_and_every_make_target() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`laktare {name}`" not in readme] == []
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets is not None
    assert [target for target in targets[1].split() if f"make {target}" not in readme] == []


def test_what_the_readme_points_to_is_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\.ci|schedules|broadcast|uploader|web|tests)/[\w./-]+)`", readme))
    named |= set(re.findall(r"\]\((?!\w+:)([^)#]+)\)", readme))
    assert named
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_the_readme_names_no_command_that_is_not_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`laktare ([a-z]+)", readme)) <= set(COMMANDS)


def test_every_source_file_says_what_it_is_for() -> None:
    filled = [(path, content.lstrip()) for path, content in _sources(".py") if content.strip()]
    assert [path for path, content in filled if not content.startswith(('"""', "#!"))] == []


@pytest.mark.parametrize(("no_skip", "closing"), [("", "2 skipped"), ("1", "1 failed, 1 error")])
def test_in_ci_a_skipped_test_is_a_failure(tmp_path: Path, no_skip: str, closing: str) -> None:
    (tmp_path / "test_one.py").write_text("import pytest\ndef test_it(): pytest.skip('no camera')\n")
    (tmp_path / "test_all.py").write_text("import pytest\npytest.skip('no mixer', allow_module_level=True)\n")
    run: list[str | Path] = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "--rootdir",
        tmp_path,
        tmp_path,
    ]
    options = ["--continue-on-collection-errors", "-p", "no:cacheprovider", "-o", "addopts="]
    done = subprocess.run(
        [*run, *options],
        cwd=ROOT,
        env={**os.environ, "LAKTARE_NO_SKIP": no_skip},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert closing in done.stdout.splitlines()[-1]
    assert (done.returncode != 0) == bool(no_skip)
    assert not no_skip or ("no camera" in done.stdout and "no mixer" in done.stdout)


def test_the_help_shows_every_command() -> None:
    run = [sys.executable, "-m", "schedules.cli", "--help"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [name for name in COMMANDS if not re.search(rf"^  {name}  +\S", done.stdout, re.MULTILINE)] == []


def test_every_command_of_the_table_can_be_loaded() -> None:
    context = click.Context(main)
    assert [name for name in COMMANDS if main.get_command(context, name) is None] == []
