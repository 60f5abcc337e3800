#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs conda packages for the tests, with the words of micromamba and the solver and installer of py-rattler.

As conda, which it is when it is called so, it knows `conda shell.bash hook` and `conda env update` too.

micromamba install [--yes] [--prefix DIR] [--file FILE] [-c|--channel CHANNEL] [SPEC...]
micromamba remove [--yes] [--prefix DIR] NAME...
Other words fail, as those of a program that does not know them.
"""
import argparse
import asyncio
import os
import sys

from rattler import MatchSpec, PrefixRecord, VirtualPackage, install, solve


def from_url(word):
    """A line of an explicit list, URL#MD5, as a specification; others stay as they are."""
    if "://" not in word:
        return word
    file = word.split("#")[0].rsplit("/", 1)[1].removesuffix(".conda").removesuffix(".tar.bz2")
    name, version, build = file.rsplit("-", 2)
    return f"{name}=={version}={build}"


def at_alias(channel):
    """As channel_alias of conda's own configuration: where channels are that are only named."""
    return channel if "://" in channel else f"{os.environ['TEST_CHANNEL_ALIAS']}/{channel}"


def read_file(path):
    channels, specs = [], []
    with open(path) as file:
        lines = [line.rstrip() for line in file]
    if not path.endswith((".yaml", ".yml")):
        return channels, [from_url(line) for line in lines if line and not line.startswith(("#", "@"))]
    key = None
    for line in lines:
        if line.endswith(":") and not line.startswith((" ", "-")):
            key = line[:-1]
        elif line.strip().startswith("- "):
            (channels if key == "channels" else specs).append(line.strip()[2:])
    return channels, specs


def installed(prefix):
    folder = os.path.join(prefix, "conda-meta")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [PrefixRecord.from_path(os.path.join(folder, name)) for name in names if name.endswith(".json")]


async def change(prefix, channels, wanted, unwanted):
    have = installed(prefix)
    kept = [f"{r.name.normalized}=={r.version}" for r in have if r.name.normalized not in unwanted]
    asked = {spec.split("=")[0].split(" ")[0] for spec in wanted}
    specs = [spec for spec in kept if spec.split("==")[0] not in asked] + wanted
    records = await solve(channels, [MatchSpec(s) for s in specs], platforms=["linux-64", "noarch"],
                          virtual_packages=VirtualPackage.detect())
    await install(records, prefix, cache_dir=os.environ.get("CONDA_PKGS_DIRS", os.path.expanduser("~/.conda/pkgs")), installed_packages=have,
                  show_progress=False, execute_link_scripts=True)
    print("\n".join(sorted(f"installed {r.name.normalized} {r.version}" for r in records)))


def main():
    words = sys.argv[1:]
    if os.path.basename(sys.argv[0]) == "conda":
        if words == ["shell.bash", "hook"]:
            print(f'conda() {{ "{os.path.abspath(sys.argv[0])}" "$@"; }}')
            return
        if words[:2] == ["env", "update"]:
            words[:2] = ["install"]
    parser = argparse.ArgumentParser(prog="micromamba")
    parser.add_argument("verb", choices=["install", "remove"])
    parser.add_argument("--yes", "-y", action="store_true")
    parser.add_argument("--prefix", "-p", default=os.environ.get("CONDA_PREFIX"))
    parser.add_argument("--file", "-f")
    parser.add_argument("--channel", "-c", action="append", default=[])
    parser.add_argument("words", nargs="*")
    given = parser.parse_args(words)
    channels, specs = read_file(given.file) if given.file else ([], [])
    channels = [at_alias(name) for name in given.channel + channels or os.environ.get("TEST_CHANNEL", "").split()]
    removed = given.words if given.verb == "remove" else []
    wanted = specs + (given.words if given.verb == "install" else [])
    try:
        asyncio.run(change(given.prefix, channels, wanted, removed))
    except Exception as error:
        sys.exit(f"error: {error}")
    sys.stdout.flush()
    os._exit(0)  # threads of the installer may outlive the interpreter's own end, and crash


main()
