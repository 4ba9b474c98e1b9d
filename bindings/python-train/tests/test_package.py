"""The distribution: its types in mypy's strict mode, its version, and what it may import."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import onelist
import onelist_train

CONFIG = Path(__file__).parent.parent / "pyproject.toml"


def run(tmp_path: Path, *arguments: str) -> None:
    # Started outside of the source tree, so that the installed packages are tested.
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_passes_strict_checking(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="pip install mypy")
    run(tmp_path, "-m", "mypy", "--config-file", str(CONFIG))


def test_its_version_is_that_of_the_engine() -> None:
    assert onelist_train.__version__ == onelist.__version__ == metadata.version("onelist-train")
    assert f"onelist=={onelist.__version__}" in (metadata.requires("onelist-train") or [])
    extras = [one for one in metadata.requires("onelist") or [] if one.startswith("onelist-train")]
    assert [one.split(";")[0].strip() for one in extras] == [f"onelist-train=={onelist.__version__}"]


def test_the_engine_imports_nothing_of_training(tmp_path: Path) -> None:
    heavy = ("torch", "onnx", "pyarrow", "tokenizers", "safetensors", "tqdm", "onelist_train")
    run(tmp_path, "-c", f"import sys, onelist; found = set({heavy}) & set(sys.modules); assert not found, found")


def test_the_exporter_imports_nothing_of_the_trainer() -> None:
    exporter = Path(onelist_train.__file__).with_name("model_zero")
    sources = {path: path.read_text(encoding="utf-8") for path in exporter.rglob("*.py")}
    assert len(sources) > 20
    for path, source in sources.items():
        dots = "." * (1 + len(path.relative_to(exporter).parts))
        assert not re.search(rf"^\s*(from {re.escape(dots)}|(from|import) onelist_train\b)", source, re.MULTILINE), path


@pytest.mark.parametrize("module", ["onelist_train", "onelist_train.model_zero", "onelist_train.model_zero.figures"])
def test_every_command_has_help(tmp_path: Path, module: str) -> None:
    run(tmp_path, "-m", module, "--help")
