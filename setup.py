"""Build the Cython extensions; everything else is in pyproject.toml."""

import os
import platform
import sys
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).resolve().parent
NAME = "payvand"
# Import name below the package → folder. The link tree lets tools that look modules up by path
# (Cython, mypy, buf, protoc) see the import names that the installed package has.
FOLDERS = {
    "core": "core",
    "risk": "risk",
    "settlement": "settlement",
    "switch": "switch",
    "client": "switch/client",
    "bench": "bench",
    "v1": "proto/payvand/v1",
}
HEADERS = [
    *filter(None, os.environ.get("CPATH", "").split(os.pathsep)),
    "/usr/include",
    "/usr/local/include",
    "/opt/homebrew/include",
]
TRACE = bool(os.environ.get("PAYVAND_TRACE"))  # line coverage of the .pyx
SANITIZE = os.environ.get("PAYVAND_SANITIZE", "")  # e.g. address,undefined
COVERAGE = bool(os.environ.get("PAYVAND_COVERAGE"))  # calls that tell a fuzzer where it has been


def make_view() -> str:
    """Link every folder under build/view/payvand, where path and import name agree."""
    view = ROOT / "build" / "view"
    (view / NAME).mkdir(parents=True, exist_ok=True)
    for name, folder in FOLDERS.items():
        link = view / NAME / name
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(ROOT / folder, link.parent), target_is_directory=True)
    return str(view)


# What the compiler says of C that Cython made is no news to who builds it.
UNTOLD = ["-Wno-sign-compare", "-Wno-unused-function", "-Wno-discarded-qualifiers"]


def compile_args() -> list[str]:
    """Optimise for this kind of machine: the journal's checksums use its CRC and SHA instructions.

    The C headers hold a portable fall-back that is chosen at run time, so the same wheel
    runs on a machine without them.
    """
    # Contracted to fused operations, floats would differ between kinds of machine.
    args = ["-O3", "-g0", "-fno-strict-aliasing", "-ffp-contract=off", *UNTOLD]
    if SANITIZE:
        args = [
            "-O1",
            "-g",
            "-fno-omit-frame-pointer",
            "-fno-strict-aliasing",
            "-ffp-contract=off",
            f"-fsanitize={SANITIZE}",
        ]
    if COVERAGE:
        args.append("-fsanitize-coverage=trace-pc,trace-cmp")
    if platform.system() == "Linux":
        args.append("-pthread")
    return args


def libraries(path: Path) -> list[str]:
    """Return the libraries that an extension is linked with, as the machine has them."""
    if "nghttp2" not in path.read_text():
        return []
    if not any(Path(home, "nghttp2/nghttp2.h").exists() for home in HEADERS):
        sys.exit(
            "nghttp2, the library of HTTP/2, isn't installed with its headers: "
            "on Debian and Ubuntu, apt-get install libnghttp2-dev; on Fedora, libnghttp2-devel; "
            "on macOS, brew install libnghttp2, and set CPATH and LIBRARY_PATH to its folders"
        )
    return ["nghttp2"]


def extensions() -> list[Extension]:
    """List one extension for every .pyx of the tree."""
    macros: list[tuple[str, str | None]] = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
    if TRACE:
        macros += [("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")]
    return [
        Extension(
            ".".join((NAME, name, *path.relative_to(ROOT / folder).with_suffix("").parts)),
            [str(path.relative_to(ROOT))],
            include_dirs=[numpy.get_include(), "core", str(path.parent.relative_to(ROOT))],
            depends=[
                str(header.relative_to(ROOT))
                for room in sorted({ROOT / "core", path.parent})
                for header in sorted(room.glob("*.h"))
            ],
            libraries=libraries(path),
            define_macros=macros,
            extra_compile_args=compile_args(),
            extra_link_args=[f"-fsanitize={SANITIZE}"] if SANITIZE else ["-pthread"],
        )
        for name, folder in FOLDERS.items()
        for path in sorted((ROOT / folder).rglob("*.pyx"))
    ]


setup(
    ext_modules=cythonize(
        extensions(),
        include_path=[make_view()],
        build_dir=None if TRACE else "build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "embedsignature": True,
            "embedsignature.format": "python",
            "linetrace": TRACE,
        },
        nthreads=os.cpu_count() or 1,
    ),
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
