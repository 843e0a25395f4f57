"""Builds engine/core/_kernel.pyx in place: `python compile_core.py`. Needs a C compiler and Python's headers.

Where that fails, the engine runs on its Python functions, which give the same answers at about twice the cost.
"""

import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import setup


def main() -> None:
    """Compile, or say what that means and leave the rest of the installation as it is."""
    try:
        setup(
            name="floodgate-kernel",
            packages=[],
            py_modules=[],
            ext_modules=cythonize(["engine/core/_kernel.pyx"], language_level=3, quiet=True),
            script_args=["--quiet", "build_ext", "--inplace"],
        )
    except (SystemExit, Exception) as error:
        for outdated in Path("engine/core").glob("_kernel*.so"):
            outdated.unlink()
        print(f"\nTHE CORE WAS NOT COMPILED: {error}", file=sys.stderr)
        print("Counting runs in pure Python; with a C compiler, `make compiled` makes it faster.\n", file=sys.stderr)


if __name__ == "__main__":
    main()
