"""Adapters of ours and of other packages are found by name and suffix, and cannot do harm."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from archive import adapters
from archive.adapters import reader_for, readers, writer_for, writers
from archive.adapters.mat import Mat
from archive.errors import FormatError, MissingPackage

GOOD = """
class Adapter:
    name = "{name}"
    suffixes = ("{suffix}",)
    extra = None
    def write(self, source, path, /):
        return []
"""
READER = "class Adapter:\n    name, suffixes, extra = 'r', ('.npz',), None\n"

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Lay a package with one adapter where Python finds it, as pip would."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(package: str, adapter: str, code: str, version: str = "1.0", extra: str = "") -> None:
        module = f"{package}_module"
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{package}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(
            f"[{adapters.GROUP}]\n{adapter} = {module}:Adapter {extra}\n"
        )
        monkeypatch.delitem(sys.modules, module, raising=False)

    return put


def test_ours_is_there_installed_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(writer_for(Path("x.mat")), Mat)
    assert isinstance(writer_for(Path("X.MAT")), Mat)
    assert isinstance(writer_for(Path("x.dat"), "mat"), Mat)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: ())
    assert isinstance(writer_for(Path("x.mat")), Mat)


def test_nothing_of_a_plugin_is_imported_before_use(install: Install) -> None:
    install("fake", "zzz", GOOD.format(name="zzz", suffix=".zzz"))
    writer_for(Path("x"), "mat")
    assert "fake_module" not in sys.modules
    assert writer_for(Path("x.zzz")).name == "zzz"
    assert "fake_module" in sys.modules


def test_unknown_formats_and_suffixes_name_the_known(install: Install) -> None:
    install("fake", "aaa", GOOD.format(name="aaa", suffix=".zzz"))
    with pytest.raises(FormatError, match=r"(?s)no format 'png'.*known are aaa, .*mat"):
        writer_for(Path("x.mat"), "png")
    with pytest.raises(FormatError, match=r"(?s)'\.png'.*aaa \(\.zzz\), .*mat \(\.mat\)"):
        writer_for(Path("x.png"))
    assert {"aaa", "mat", "annarchy"} <= set(writers()) <= {"aaa", *adapters.BUILT_IN}
    assert list(writers()) == sorted(writers())


def test_two_with_one_suffix_are_both_listed(install: Install) -> None:
    install("fake", "other", GOOD.format(name="other", suffix=".mat"))
    with pytest.raises(FormatError, match=r"(?s)\.mat: mat, other.*name one"):
        writer_for(Path("x.mat"))
    assert writer_for(Path("x.mat"), "other").name == "other"


def test_a_broken_plugin_warns_and_leaves_the_others(install: Install) -> None:
    install("broken", "bad", "raise RuntimeError('on purpose')", version="2.5")
    with pytest.warns(RuntimeWarning, match="'bad' of broken 2.5 cannot be loaded.*on purpose"):
        assert isinstance(writer_for(Path("x.mat")), Mat)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is not touched if another is named
        writer_for(Path("x"), "mat")
    with pytest.raises(FormatError, match=r"'bad' of broken 2\.5 is broken.*on purpose"):
        writer_for(Path("x"), "bad")


@pytest.mark.parametrize(("extra", "hint"), [("", "'needy'"), ("[hdf]", r"'needy\[hdf\]'")])
def test_a_missing_package_has_a_hint(install: Install, extra: str, hint: str) -> None:
    install("needy", "need", "import nowhere_to_be_found", extra=extra)
    with pytest.raises(MissingPackage, match=rf"(?s)nowhere_to_be_found.*pip install {hint}"):
        writer_for(Path("x"), "need")


def test_of_two_with_one_name_ours_is_taken(install: Install) -> None:
    install("aardvark", "mat", GOOD.format(name="foreign", suffix=".mat"))
    with pytest.warns(RuntimeWarning, match=r"'mat' of aardvark 1\.0 is not used: neuroarchive"):
        assert isinstance(writer_for(Path("x"), "mat"), Mat)


def test_of_two_with_one_name_the_first_package_is_taken(install: Install) -> None:
    install("second", "abc", GOOD.format(name="second", suffix=".abc"))
    install("first", "abc", GOOD.format(name="first", suffix=".abc"))
    with pytest.warns(RuntimeWarning, match=r"'abc' of second 1\.0 is not used: first"):
        assert writer_for(Path("x"), "abc").name == "first"


def test_what_only_reads_is_no_writer(install: Install) -> None:
    install("fake", "reads", READER)
    assert "reads" not in writers()
    with pytest.raises(FormatError, match="cannot write"):
        writer_for(Path("x"), "reads")


READS = """
class Adapter:
    name, suffixes, extra = "{name}", ("{suffix}",), None
    def read(self, path, /):
        return iter(())
"""
LOOKS = (
    READS
    + "    def recognises(self, path, /):\n        return path.read_bytes()[:1] == b'{name}'\n"
)


def test_readers_are_found_by_what_is_in_the_file(install: Install, tmp_path: Path) -> None:
    install("one", "a", LOOKS.format(name="a", suffix=".x"))
    install("two", "b", LOOKS.format(name="b", suffix=".x"))
    install("three", "c", READS.format(name="c", suffix=".c"))
    assert {"a", "b", "c", "annarchy", "mat", "scipy-sparse"} <= set(readers())
    path = tmp_path / "file.c"
    path.write_bytes(b"b...")
    assert reader_for(path).name == "b"  # what is in the file says more than its name
    path.write_bytes(b"....")
    assert reader_for(path).name == "c"
    assert reader_for(path, "a").name == "a"
    path = path.rename(tmp_path / "file.x")
    with pytest.raises(
        FormatError, match=r"(?s)no format is known.*known are a, aer, .*annarchy, .*b, brian2"
    ):
        reader_for(path)
    with pytest.raises(FormatError, match="cannot be read: No such file"):
        reader_for(tmp_path / "nowhere.x")
    install("four", "writes", GOOD.format(name="writes", suffix=".w"))
    with pytest.raises(FormatError, match=r"'writes' of four 1\.0 cannot read"):
        reader_for(path, "writes")


def test_two_readers_of_one_file_are_both_listed(install: Install, tmp_path: Path) -> None:
    install("one", "a", LOOKS.format(name="a", suffix=".x"))
    install("two", "other", LOOKS.format(name="a", suffix=".y"))
    path = tmp_path / "file.x"
    path.write_bytes(b"a")
    with pytest.raises(FormatError, match=r"(?s)several formats.*a, other.*name one"):
        reader_for(path)


ANY = LOOKS.replace("extra = ", "extra, general = ").replace(", None", ", None, True")


def test_a_general_reader_gives_way_to_a_special_one(install: Install, tmp_path: Path) -> None:
    install("one", "any", ANY.format(name="a", suffix=".x"))
    install("two", "blind", READS.format(name="blind", suffix=".x"))
    path = tmp_path / "file.x"
    path.write_bytes(b"a")
    assert getattr(reader_for(path), "general", False)
    install("three", "special", LOOKS.format(name="a", suffix=".y"))
    assert not hasattr(reader_for(path), "general")
    path.write_bytes(b"b")
    assert reader_for(path).name == "blind"


def test_two_general_readers_are_both_listed(install: Install, tmp_path: Path) -> None:
    install("one", "any", ANY.format(name="a", suffix=".x"))
    install("two", "every", ANY.format(name="a", suffix=".x"))
    path = tmp_path / "file.x"
    path.write_bytes(b"a")
    with pytest.raises(FormatError, match=r"(?s)several formats.*any, every"):
        reader_for(path)


FOLDERS = """
class Adapter:
    name, suffixes, extra, folders = 'folders', (), None, True

    def recognises(self, path):
        return path.is_dir()

    def read(self, path):
        return iter(())
"""


def test_folders_are_shown_to_those_that_take_them(install: Install, tmp_path: Path) -> None:
    install("one", "a", LOOKS.format(name="a", suffix=".x"))
    with pytest.raises(FormatError, match="no format is known to be that of this folder"):
        reader_for(tmp_path)
    install("two", "folders", FOLDERS)
    assert reader_for(tmp_path).name == "folders"


KINDS = """
class Adapter:
    name, suffixes, extra = 'kinds', (), None

    def variant(self, kind):
        self.name = f'kinds:{kind}'
        return self

    def read(self, path):
        return iter(())
"""


def test_a_format_may_have_kinds(install: Install, tmp_path: Path) -> None:
    install("kinds", "kinds", KINDS)
    assert reader_for(tmp_path, "kinds:AxonIO").name == "kinds:AxonIO"
    assert reader_for(tmp_path, "kinds").name == "kinds"
    with pytest.raises(FormatError, match="no kinds"):
        writer_for(tmp_path, "mat:7")
