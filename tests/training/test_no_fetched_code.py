"""Importing the training engine keeps compiled code of the hub out of the process."""

import subprocess
import sys
from pathlib import Path

FAKE = """\
from pathlib import Path
Path(__file__).with_name("fetched").touch()
def get_kernel(*arguments, **settings):
    raise RuntimeError("fetched")
"""


def test_bitsandbytes_cannot_fetch_compiled_code_where_kernels_is_installed(tmp_path: Path) -> None:
    (tmp_path / "kernels.py").write_text(FAKE, encoding="utf-8")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    for start, is_fetched in (("", True), ("import openbezoar.training\n", False)):
        call = program + start + "try:\n    import kernels\nexcept ImportError:\n    pass\n"
        subprocess.run([sys.executable, "-c", call], check=True)
        mark = tmp_path / "fetched"
        assert mark.exists() == is_fetched
        mark.unlink(missing_ok=True)
    whole = program + "import openbezoar.training, bitsandbytes, transformers, peft\n"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True)
    assert "kernels" not in done.stderr
    assert not (tmp_path / "fetched").exists()
