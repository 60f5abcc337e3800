#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a conda channel of wheels: wheel-to-conda.py CHANNEL-DIRECTORY WHEEL...

Each becomes a package in the newer format (.conda: a zip file of two tar files with zstd): of linux-64 where it has
compiled modules, else for any machine, its scripts made at installation. Needs zstd(1).
"""
import configparser
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

compiled_place = f"lib/python{sysconfig.get_python_version()}/site-packages"


def packed(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in sorted(members.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755 if name.startswith("bin/") else 0o644
            tar.addfile(entry, io.BytesIO(data))
    return subprocess.run(["zstd", "-q", "-1", "-c"], input=buffer.getvalue(), stdout=subprocess.PIPE, check=True).stdout


def convert(wheel, channel):
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    name, version, *_, platform = os.path.basename(wheel).removesuffix(".whl").split("-")
    name = re.sub("[-_.]+", "-", name).lower()
    subdir = "noarch" if platform == "any" else "linux-64"
    place = "site-packages" if subdir == "noarch" else compiled_place
    content = {f"{place}/{path}": data for path, data in files.items() if ".data/" not in path}
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "subdir": subdir,
             "depends": ["python", "pip"] if name != "pip" else ["python"], "timestamp": 1700000000000}
    info = {}
    if subdir == "noarch":
        index["noarch"] = "python"
        scripts = configparser.ConfigParser()
        scripts.optionxform = str
        for path, data in files.items():
            if path.endswith(".dist-info/entry_points.txt"):
                scripts.read_string(data.decode())
        points = [f"{key} = {value}" for key, value in scripts["console_scripts"].items()] if scripts.has_section("console_scripts") else []
        info["link.json"] = {"noarch": {"type": "python", "entry_points": points}, "package_metadata_version": 1}
    paths = [{"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)}
             for path, data in sorted(content.items())]
    info |= {"index.json": index, "paths.json": {"paths": paths, "paths_version": 1}}
    stem = f"{name}-{version}-0"
    os.makedirs(f"{channel}/{subdir}", exist_ok=True)
    target = f"{channel}/{subdir}/{stem}.conda"
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("metadata.json", json.dumps({"conda_pkg_format_version": 2}))
        package.writestr(f"pkg-{stem}.tar.zst", packed(content))
        package.writestr(f"info-{stem}.tar.zst", packed({f"info/{key}": json.dumps(value).encode() for key, value in info.items()}))
    with open(target, "rb") as file:
        data = file.read()
    repodata = f"{channel}/{subdir}/repodata.json"
    known = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": {}}
    if os.path.exists(repodata):
        with open(repodata) as file:
            known = json.load(file)
    known["packages.conda"][f"{stem}.conda"] = {**index, "size": len(data), "md5": hashlib.md5(data).hexdigest(),
                                               "sha256": hashlib.sha256(data).hexdigest()}
    with open(repodata, "w") as file:
        json.dump(known, file)


for wheel in sys.argv[2:]:
    convert(wheel, sys.argv[1])
