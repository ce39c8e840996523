"""One module without one of its lines, for this process alone: its file stays as it is, and so do the others' compiled forms."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType


class Change(MetaPathFinder):
    """Finds the module as everybody does, and has it compiled without the line."""

    def __init__(self, module: str, line: str, without: str) -> None:
        self.module, self.line, self.without = module, line, without

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Without(self, spec.loader.name, spec.loader.path)
        return spec


class Without(SourceFileLoader):
    """Reads the file as it is, and compiles the text that it would have."""

    def __init__(self, change: Change, name: str, path: str) -> None:
        super().__init__(name, path)
        self._change = change

    def get_code(self, fullname: str) -> CodeType:
        text = self.get_data(self.path).decode()
        assert text.count(self._change.line) == 1, f"{self._change.line!r} does not stand once in {self.path}"
        code: CodeType = compile(text.replace(self._change.line, self._change.without), self.path, "exec")
        return code
