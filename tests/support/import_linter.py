"""`python -m tests.support.import_linter`: `lint-imports`, for a tree of modules in the folder where it is started."""

from importlinter.cli import lint_imports_command

if __name__ == "__main__":
    lint_imports_command()
