"""Who imports whom, how long files are, what `import archive` costs, what the wheel holds."""

from __future__ import annotations

import ast
import configparser
import graphlib
import importlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LENGTH_LIMIT = 400
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "core", "manager", "handler"}
HEAVY = {"neo", "scipy", "lxml", "quantities", "matplotlib", "pandas", "nixio", "typer", "rich"}
PYDANTIC = {"pydantic", "pydantic_core", "typing_extensions"}  # and what it stands on
SIMULATORS = {"pyNN", "brian2", "nest", "neuron", "ANNarchy", "mpi4py"}
NEO = {"neo", "quantities"}


@dataclass(frozen=True)
class Layer:
    """What the modules of a layer may import: layers of ours, and of third parties those at the
    top of a module and those, in addition, inside functions only."""

    ours: set[str]
    top: set[str]
    inside: set[str]


CONTRACT = {"schemas", "archive.errors"}
NOUN = CONTRACT | {"archive.entry", "archive.values", "archive.addresses"}
STATES = {"archive.connections", "archive.modelling", "archive.states"}
BELOW_CONTAINER = NOUN | {"archive.query", "archive.provenance", "archive.storage"}
BELOW_EXPERIMENT = (
    BELOW_CONTAINER | STATES | {"archive.container", "archive.hooks", "archive.adapters"}
)
FRONT = BELOW_EXPERIMENT | {"archive.experiment", "archive.plot", "archive.report"}

DIFFERENCES = (
    *("data_diff", "document_diff", "part_comparison", "part_diff", "run_diff", "state_diff"),
    *("spikes_comparison", "values_comparison", "van_rossum"),
)
SELDOM = (
    *("exports", "foreign", "grid", "importing", "lineage_tracing"),
    *("import_report", "lineage", "merged", "merging", "redirected", "rerunning", "source_file"),
    *("parameter_diff", "snapshot_diff"),
)
# What few programs need, a module or a package, and what opens an archive or appends to one does
# not: it is imported inside the functions that need it, so that `import archive` costs less.
LATE = {
    *(f"archive.experiment.{name}" for name in (*DIFFERENCES, *SELDOM)),
    "archive.provenance.process",
    "archive.provenance.restoring",
    "archive.adapters",  # export and import
    "archive.container.check",
    "archive.container.check_deep",
    "archive.container.check_report",
    "archive.container.check_signatures",
    "archive.provenance.ssh_signatures",
    "archive.container.salvage",
    "archive.hooks.annarchy_parameters",
    "archive.hooks.stretches",
    "archive.query.evaluate",
    "archive.query.grammar",
    "archive.storage.recovery",
}

# From the bottom up: a layer names only layers above its own line, so that imports run one way.
LAYERS = {
    "schemas": Layer(set(), PYDANTIC, set()),
    "archive._contract": Layer(set(), set(), set()),
    "archive.errors": Layer(set(), set(), set()),
    "archive.entry": Layer(CONTRACT, {"numpy"}, set()),
    "archive.addresses": Layer(set(), {"numpy"}, set()),
    "archive.values": Layer(CONTRACT, {"numpy"}, NEO),
    "archive.modelling": Layer(CONTRACT, set(), set()),
    "archive.connections": Layer(NOUN, {"numpy"}, set()),
    "archive.states": Layer(NOUN | {"archive.connections", "archive.modelling"}, {"numpy"}, set()),
    "archive.query": Layer(NOUN, {"numpy"}, set()),
    # simulators and NumPy are looked at in sys.modules, where the program has loaded them
    "archive.provenance": Layer(NOUN, set(), set()),
    "archive.storage": Layer({"archive.errors"}, {"h5py", "numpy", "xxhash"}, set()),
    "archive.container": Layer(BELOW_CONTAINER, {"numpy", "xxhash"}, set()),
    "archive.hooks": Layer(NOUN | STATES | {"archive.provenance"}, {"numpy"}, NEO | SIMULATORS),
    "archive.adapters": Layer(
        # of storage the guards of HDF5 files that come from strangers, and calls of the system
        NOUN | STATES | {"archive.hooks", "archive.provenance", "archive.storage"},
        {"h5py", "numpy"},
        NEO | {"aedat", "hdmf", "lxml", "pynwb", "scipy", "yaml"},
    ),
    "archive.experiment": Layer(BELOW_EXPERIMENT, {"numpy"}, NEO | {"pandas", "scipy"}),
    "archive.plot": Layer(NOUN | {"archive.experiment"}, {"numpy"}, NEO | {"matplotlib"}),
    "archive.report": Layer(BELOW_EXPERIMENT | {"archive.experiment"}, {"numpy"}, set()),
    "archive": Layer(FRONT | {"archive._contract"}, set(), set()),
    "archive.testing": Layer(
        NOUN | STATES | {f"archive.{name}" for name in ("storage", "container", "adapters")},
        {"hypothesis", "numpy", "pytest"},
        NEO,
    ),
    "archive.cli": Layer(FRONT | {"archive"}, {"numpy", "rich", "typer"}, NEO),
    "archive.demo": Layer(FRONT | {"archive", "archive.cli"}, {"numpy"}, NEO | SIMULATORS),
    "archive.__main__": Layer({"archive.cli"}, set(), set()),
}


@dataclass(frozen=True)
class Import:
    module: str  # the module that is imported; of a package, the submodule where there is one
    line: int
    place: str  # "top", "function" or "typing"


def name_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(root: Path = ROOT) -> dict[str, Path]:
    found = [*(root / "schemas").rglob("*.py"), *(root / "archive").rglob("*.py")]
    return {name_of(path, root): path for path in sorted(found)}


def layer_of(module: str) -> str:
    """The layer with the longest name that the module lies in."""
    inside = [name for name in LAYERS if is_within(module, name)]
    return max(inside, key=len, default="")


def is_late(module: str) -> bool:
    return any(is_within(module, name) for name in LATE)


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def may_wait(name: str, found: Import) -> bool:
    """Whether a module may import that one inside a function: one that is late itself, or runs
    only where such are needed, has nothing to win by it. Types may be named without being run."""
    return found.place in ("function", "typing") and is_late(found.module) and not is_late(name)


def is_typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(path: Path, known: set[str]) -> Iterator[Import]:
    """All imports of a module. A relative one counts as a module named with its dots."""

    def visit(node: ast.AST, place: str) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, place) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = "." * node.level + (node.module or "")
            for alias in node.names:
                submodule = f"{package}.{alias.name}"
                yield Import(submodule if submodule in known else package, node.lineno, place)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            place = "function"
        elif is_typing_only(node):
            place = "typing"
        for child in ast.iter_child_nodes(node):
            yield from visit(child, place)

    yield from visit(ast.parse(path.read_text("utf-8")), "top")


def faults(name: str, path: Path, known: set[str]) -> Iterator[str]:
    """Every import of a module that its layer does not allow."""
    layer = layer_of(name)
    # the front door of everything is a layer of one module, not a home for strangers
    if not layer or (layer == "archive" and name != "archive"):
        yield f"{name} belongs to no layer: say in LAYERS where it stands"
        return
    rules = LAYERS[layer]
    for found in imports(path, known):
        where = f"{path.name}:{found.line}: {name} imports {found.module}"
        package = found.module.partition(".")[0]
        if found.module.startswith("."):
            yield f"{where}: write it absolute"
        elif package in ("archive", "schemas"):
            if found.place != "top" and not may_wait(name, found):
                yield f"{where} in a {found.place} block: our own modules are imported at the top"
            if layer_of(found.module) not in {layer, *rules.ours}:
                yield f"{where}: {layer} may not"
        elif package not in sys.stdlib_module_names:
            if package not in rules.top | rules.inside:
                yield f"{where}: {layer} may not"
            elif package not in rules.top and found.place == "top":
                yield f"{where} at the top: it is optional or slow, so only inside functions"


def cycle(root: Path = ROOT) -> list[str]:
    """The first cycle among modules; empty if there is none."""
    found = modules(root)
    graph = {
        name: {item.module for item in imports(path, set(found))} & set(found) - {name}
        for name, path in found.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_layers_run_one_way() -> None:
    earlier: set[str] = set()
    for name, layer in LAYERS.items():
        assert layer.ours <= earlier, f"{name} names a layer that comes later"
        earlier.add(name)


@pytest.mark.parametrize("name", modules())
def test_imports_follow_the_layers(name: str) -> None:
    assert list(faults(name, modules()[name], set(modules()))) == []


def test_no_cycles() -> None:
    assert cycle() == []


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("archive/storage/nix.py", "import schemas", "archive.storage may not"),
        ("archive/storage/nix.py", "from archive import entry", "archive.storage may not"),
        ("archive/container/rows.py", "import h5py", "archive.container may not"),
        ("archive/container/rows.py", "def f():\n    import h5py", "archive.container may not"),
        ("archive/hooks/neo_.py", "import neo.io", "only inside functions"),
        ("archive/hooks/neo_.py", "if 1:\n    import neo", "only inside functions"),
        ("archive/query/text.py", "def f():\n    import schemas", "imported at the top"),
        ("archive/query/text.py", "if TYPE_CHECKING:\n    import schemas", "imported at the top"),
        ("archive/query/text.py", "from . import column", "absolute"),
        ("archive/experiment/a.py", "def f():\n    import archive.entry", "imported at the top"),
        ("archive/adapters/a.py", "def f():\n    import archive.adapters.b", "imported at the top"),
        ("archive/misplaced.py", "", "belongs to no layer"),
        ("archive/adapters/a.py", "import archive.container", "archive.adapters may not"),
        ("archive/container/rows.py", "import archive", "archive.container may not"),
        ("schemas/v1/unit.py", "import numpy", "schemas may not"),
    ],
)
def test_a_wrong_import_is_seen(tmp_path: Path, module: str, source: str, complaint: str) -> None:
    path = tmp_path / module
    path.parent.mkdir(parents=True)
    path.write_text(source)
    (found,) = faults(name_of(path, tmp_path), path, set(modules()))
    assert complaint in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("archive/storage/nix.py", "import os\nimport h5py\nfrom archive.errors import Busy"),
        ("archive/hooks/neo_.py", "def f():\n    import neo"),
        ("archive/plot.py", "if TYPE_CHECKING:\n    from matplotlib.figure import Figure"),
        ("archive/__init__.py", "from archive import _contract as _contract"),
        ("archive/experiment/a.py", "def f():\n    from archive.adapters import writer_for"),
    ],
)
def test_a_right_import_passes(tmp_path: Path, module: str, source: str) -> None:
    path = tmp_path / module
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert list(faults(name_of(path, tmp_path), path, set(modules()))) == []


def test_a_cycle_is_seen(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive/a.py").write_text("import archive.b")
    (tmp_path / "archive/b.py").write_text("from archive import a")
    assert set(cycle(tmp_path)) == {"archive.a", "archive.b"}


def python_files() -> list[Path]:
    return sorted(
        path for folder in ("archive", "schemas", "tests") for path in (ROOT / folder).rglob("*.py")
    )


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in python_files()}
    assert {str(path): n for path, n in lengths.items() if n > LENGTH_LIMIT} == {}


def test_names_say_the_thing() -> None:
    named = {path: set(path.relative_to(ROOT).with_suffix("").parts) for path in python_files()}
    assert [str(path) for path, parts in named.items() if parts & SAYS_NOTHING] == []


def run_python(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_import_is_light() -> None:
    done = run_python("-W", "error", "-c", "import archive, sys; print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "h5py" in loaded, "nothing of ours was imported"
    assert loaded & (HEAVY | SIMULATORS) == set()


@pytest.mark.parametrize("shadow", ["schemas.py", "schemas/__init__.py", "schemas/notes.py"])
def test_another_schemas_is_named(tmp_path: Path, shadow: str) -> None:
    offender = tmp_path / shadow
    offender.parent.mkdir(exist_ok=True)
    offender.write_text("print('somebody else was run')")
    script = tmp_path / "simulation.py"
    script.write_text(f"import sys\nsys.path.append({str(ROOT)!r})\nimport archive._contract\n")
    done = run_python(str(script), folder=tmp_path)
    if shadow == "schemas/notes.py":  # a folder without __init__.py gives way to a package
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ImportError: ")
    assert str(offender) in message
    assert "rename" in message
    assert "-P" in message
    assert "somebody else was run" not in done.stdout
    assert run_python("-P", str(script), folder=tmp_path).returncode == 0


@pytest.mark.parametrize("left_over", ["", "schemas"])
def test_our_schemas_missing(tmp_path: Path, left_over: str) -> None:
    (tmp_path / "archive").mkdir()
    guard = (ROOT / "archive/_contract.py").read_text("utf-8")
    (tmp_path / "archive/_contract.py").write_text(guard)
    (tmp_path / left_over).mkdir(exist_ok=True)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import archive._contract"
    done = run_python("-I", "-S", "-c", code)  # without site-packages, where ours may be installed
    assert done.returncode == 1
    assert "ImportError: the package 'schemas' of neuroarchive is missing" in done.stderr
    assert "install neuroarchive again" in done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    done = run_python(
        "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("neuroarchive-*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_has_our_two_packages_and_all_of_them(wheel: zipfile.ZipFile) -> None:
    held = set(wheel.namelist())
    tops = {name.partition("/")[0] for name in held}
    (info,) = tops - {"archive", "schemas"}
    assert (info[:13], info[-10:]) == ("neuroarchive-", ".dist-info")
    files = [*modules().values(), *(ROOT / "archive/report/page").iterdir()]
    data = {"archive/py.typed", "schemas/py.typed", "schemas/v1/schema.json"}
    assert {str(path.relative_to(ROOT)) for path in files} | data <= held


def test_entry_points_lead_somewhere(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    points = configparser.ConfigParser()
    points.optionxform = str  # type: ignore[assignment, method-assign]  # as its manual says
    points.read_string(wheel.read(name).decode())
    assert set(points) >= {"console_scripts", "archive.adapters"}
    for group in points.values():
        for target in group.values():
            module, _, attribute = target.partition(":")
            assert hasattr(importlib.import_module(module), attribute), target
