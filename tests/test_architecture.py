"""The layout holds: imports point one way, TensorFlow stays at the ends, the library knows no command line."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "seq2seq_keras"

ORDER = (
    "errors folders context serial dropout data tokens cores embed attention recurrence encoders bridges decoders "
    "objectives models metrics decode training export tasks serve"
).split()
"""A module may import from its own folder and from those before it."""

TENSORFLOW = {"data", "tokens", "cores", "export", "tasks", "serve", "training/tensorboard"} | {
    f"training/{name}.py" for name in ("distributed", "distributed_step", "distributed_fit")
}
"""Where TensorFlow itself may be imported; everywhere else is keras.ops, which knows nothing of several devices."""

COMMAND_LINE = {"argparse", "tyro", "rich", "click", "pipelines"}
"""Not in the library, but for the progress bar."""

MODULES = sorted(LIBRARY.rglob("*.py"))


def place(module: Path) -> str:
    """Folder of a module below the package, or its name where it lies at the top."""
    return module.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imports(module: Path) -> list[str]:
    """Dotted names of all a module imports, at any depth, relative ones made absolute."""
    names, package = [], list(module.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: -node.level] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            names += [f"{base}.{alias.name}" for alias in node.names]
    return names


def used_folders(module: Path) -> set[str]:
    """Folders of the library that a module imports from."""
    return {name.split(".")[1] for name in imports(module) if name.startswith("seq2seq_keras.")}


def ids(module: Path) -> str:
    return str(module.relative_to(LIBRARY))


def test_every_folder_is_in_the_order_and_was_found():
    found = {place(module) for module in MODULES} - {"__init__"}
    assert found <= set(ORDER), f"not in the order: {found - set(ORDER)}"
    assert set(ORDER) <= found, f"not found: {set(ORDER) - found}"
    folders = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {part.parent.name for part in LIBRARY.glob("*/__init__.py")}
    assert len(MODULES) > 50


@pytest.mark.parametrize("module", MODULES, ids=ids)
def test_imports_point_one_way(module):
    here = place(module)
    if here == "__init__":
        assert not used_folders(module)
        return
    later = {name for name in used_folders(module) if ORDER.index(name) > ORDER.index(here)}
    assert not later, f"{ids(module)} imports {later}, which come after {here}"


def test_encoders_and_decoders_never_use_each_other():
    for one, other in (("encoders", "decoders"), ("decoders", "encoders")):
        modules = [module for module in MODULES if place(module) == one]
        assert modules
        assert not [module for module in modules if other in used_folders(module)]


def test_search_knows_only_the_protocol():
    modules = [module for module in MODULES if place(module) == "decode"]
    assert modules
    for module in modules:
        assert used_folders(module) <= {"context", "errors", "decode"}, ids(module)


@pytest.mark.parametrize("module", MODULES, ids=ids)
def test_tensorflow_only_at_the_ends(module):
    if TENSORFLOW & {place(module), ids(module), ids(module.parent)}:
        return
    roots = {name.split(".")[0] for name in imports(module)}
    assert not {root for root in roots if root.startswith("tensorflow")}


@pytest.mark.parametrize("module", MODULES, ids=ids)
def test_the_library_knows_no_command_line(module):
    allowed = {"rich"} if ids(module) == "training/progress.py" else set()
    roots = {name.split(".")[0] for name in imports(module)}
    assert not roots & (COMMAND_LINE - allowed)


def test_a_server_needs_no_model_code():
    modules = [module for module in MODULES if place(module) == "serve"]
    assert modules
    for module in modules:
        assert used_folders(module) <= {"errors", "folders", "cores", "export", "serve"}, ids(module)


def test_no_file_named_after_nothing():
    vague = re.compile(r"^(utils?|helpers?|misc|common|base)\.py$")
    assert not [module for module in MODULES if vague.match(module.name)]


def test_importing_the_package_loads_no_framework():
    code = "import sys, seq2seq_keras, seq2seq_keras.errors; print({'keras', 'tensorflow', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
