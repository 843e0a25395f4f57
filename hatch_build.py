"""What a wheel gets beside the Python: the Cython modules, compiled for the interpreter that builds it."""

import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledCore(BuildHookInterface[Any]):
    """A wheel with all modules is for this platform and this Python; one that lacks any is pure, and says so.

    An editable installation is left as it is: it runs from the checkout, where `make` has compiled in place.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and choose the tag."""
        if version == "editable":
            return
        script = Path(self.root, "compile_core.py")
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        modules = [source.with_suffix(suffix).as_posix() for source in runpy.run_path(str(script))["MODULES"]]
        # In a process of its own: setuptools changes the one that it runs in. What is up to date is not compiled again.
        ended = subprocess.run([sys.executable, str(script)], cwd=self.root, check=False)
        if ended.returncode == 0 and all(Path(self.root, module).is_file() for module in modules):
            build_data["artifacts"] += modules  # these alone: another Python's may lie beside them
            build_data["pure_python"], build_data["infer_tag"] = False, True
        else:
            self.app.display_warning("the core is not compiled: this wheel is pure Python, at twice the cost")
