"""Builds the Cython modules in place: `python compile_core.py`. Needs Cython, a C compiler and Python's headers.

Where that fails, the engine runs on its Python functions, which give the same answers at about twice the cost.
"""

import sys
from pathlib import Path

MODULES = (Path("engine/core/_kernel.pyx"), Path("engine/learning/_linear.pyx"))

# A product and a sum are rounded each by itself, on every machine: the Python functions give the same bits.
_FLAGS = ["-O3", "-ffp-contract=off", "-fno-math-errno"]


def main() -> None:
    """Compile, or say what that means and leave the rest of the installation as it is."""
    try:
        _compile()
    except (SystemExit, Exception) as error:
        for path in MODULES:
            for outdated in path.parent.glob(f"{path.stem}*.so"):
                outdated.unlink()
        print(f"\nTHE CORE WAS NOT COMPILED: {error}", file=sys.stderr)
        print("Counting runs in pure Python; with a C compiler, `make compiled` makes it faster.\n", file=sys.stderr)


def _compile() -> None:
    from Cython.Build import cythonize
    from setuptools import Extension, setup

    extensions = [
        Extension(".".join(path.with_suffix("").parts), [str(path)], extra_compile_args=_FLAGS) for path in MODULES
    ]
    setup(
        name="floodgate-kernel",
        packages=[],
        py_modules=[],
        ext_modules=cythonize(extensions, language_level=3, quiet=True),
        script_args=["--quiet", "build_ext", "--inplace"],
    )


if __name__ == "__main__":
    main()
