"""A copy of the checkout without one vendor: what docs/adding-a-vendor.md says has to go is taken away, and nothing else is touched."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from tests.support.concerned import Sources

ROOT = Path(__file__).resolve().parents[2]
# The lists that have a line, or a block, for it.
LINES = {
    "libs/vendors/src/vendors/registry.py": (r"    {module},\n", r" +{module}\.VENDOR,\n"),
    "sandbox/src/sandbox/registry.py": (r"from sandbox\.{module} import .*\n", r" +build_{module}\(core\),\n"),
    "cli/src/millrace/stack/services.py": (r"    Service\(\n        \"writer-{name}\",\n(?:        .*\n)*    \),\n",),
    "compose.yaml": (r"  writer-{name}:\n(?:    .*\n)*\n?",),
}  # fmt: skip
# What the type checker and hypothesis would find out anew, for the same answers.
KNOWN = (".mypy_cache", ".hypothesis/unicode_data")
IMPORTED = re.compile(r"^\s*(?:from|import) (tests(?:\.\w+)+)(?: import (.+))?", re.MULTILINE)


def spellings(vendor: str) -> re.Pattern[str]:
    """Its name as values, modules, files and people write it."""
    return re.compile("[-_ ]?".join(re.escape(part) for part in vendor.split("-")), re.IGNORECASE)


@dataclass(frozen=True)
class Copy:
    """The checkout without a vendor, with an environment of its own that sees nothing of the original's sources."""

    folder: Path
    vendor: str
    changed: frozenset[Path]
    """Modules that say something else than in the original."""

    def concerned(self, *places: str) -> list[str]:
        """The tests in these places for which something is different here."""
        tests = sorted(one for place in places for one in (self.folder / place).rglob("test_*.py"))
        return [str(one.relative_to(self.folder)) for one in Sources(self.folder).concerned(tests, self.changed)]

    def run(self, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """`python ...` in the copy."""
        return subprocess.run(
            [self.folder / ".venv/bin/python", *words], cwd=self.folder, capture_output=True, text=True, timeout=timeout, check=False
        )  # fmt: skip

    def forget(self) -> None:
        """What was compiled of it is of no use to anybody else, and may lie elsewhere."""
        shutil.rmtree(Path(cache_from_source(str(self.folder / "one.py"))).parent, ignore_errors=True)

    def naming(self) -> list[str]:
        """The files that name the vendor still."""
        name = spellings(self.vendor)
        return [path for path in _files(self.folder) if name.search((self.folder / path).read_text(errors="replace"))]


def without(vendor: str, folder: Path) -> Copy:
    """Copies what is under version control, or would be, and takes the vendor out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )  # fmt: skip
    name = spellings(vendor)
    files = [Path(path) for path in listed.stdout.splitlines() if (ROOT / path).is_file()]
    left = [path for path in files if not name.search(str(path))]
    for path in left:
        _copy(path, folder)
    _take_lines(folder, vendor)
    _take_tests(folder, name)
    _make_environment(folder)
    for known in KNOWN:
        if (ROOT / known).exists():
            shutil.copytree(ROOT / known, folder / known)
    return Copy(folder, vendor, _changed(folder, {path.parent.name for path in set(files) - set(left)}))


def _copy(path: Path, folder: Path) -> None:
    """With its time, so that what was compiled of it, or checked, is known to be its own still."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(ROOT / path, target)
    if path.suffix == ".py":
        # Wherever Python keeps it: beside the sources, or in the environment's own folder.
        kept, place = (Path(cache_from_source(str(one))).parent for one in (ROOT / path, target))
        for compiled in kept.glob(f"{path.stem}.*.pyc"):
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(compiled, place)


def _changed(folder: Path, lighter: set[str]) -> frozenset[Path]:
    """Modules that lost lines, and those that read a folder in which something is missing now."""
    reads = re.compile(rf"[\"'/]({'|'.join(map(re.escape, sorted(lighter)))})[\"'/]")
    readers = {path for path in folder.rglob("src/**/*.py") if reads.search(path.read_text())}
    return frozenset({folder / path for path in LINES} | readers)


def _take_lines(folder: Path, vendor: str) -> None:
    for path, patterns in LINES.items():
        text = (folder / path).read_text()
        for pattern in patterns:
            text = re.sub(pattern.format(module=vendor.replace("-", "_"), name=vendor), "", text)
        (folder / path).write_text(text)


def _take_tests(folder: Path, name: re.Pattern[str]) -> None:
    """Tests that name it are its suites, wherever they are, and so is what needs those; the house's rules stay."""
    tests = {path: path.read_text() for path in (folder / "tests").rglob("*.py")}
    gone = {path for path, text in tests.items() if name.search(text) and "house" not in path.parts}
    while more := {path for path, text in tests.items() if path not in gone and _imports(folder, text) & gone}:
        gone |= more
    for path in gone:
        path.unlink()


def _imports(folder: Path, text: str) -> set[Path]:
    found = set[Path]()
    for module, names in IMPORTED.findall(text):
        base = folder.joinpath(*module.split("."))
        found |= {base.with_suffix(".py"), *(base / f"{one.strip(' ()')}.py" for one in names.split(","))}
    return found


def _make_environment(folder: Path) -> None:
    """The same libraries; what they have made known of our sources by `.pth` files is not read a second time."""
    venv.create(folder / ".venv", symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sources = [*folder.glob("*/src"), *folder.glob("*/*/src")]
    (folder / f".venv/lib/{version}/site-packages/sources.pth").write_text(
        "\n".join(map(str, [*sources, sysconfig.get_path("purelib")]))
    )


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not {part for part in relative.parts if part.startswith((".", "__"))}:
            yield relative.as_posix()
