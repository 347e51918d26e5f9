"""Prints what a wheel requires, one a line; run by image builds, also by old Pythons."""

import sys
import zipfile
from email.parser import Parser

with zipfile.ZipFile(sys.argv[1]) as wheel:
    [name] = [
        name
        for name in wheel.namelist()
        if name.endswith(".dist-info/METADATA") and name.count("/") == 1
    ]
    metadata = Parser().parsestr(wheel.read(name).decode("utf-8", "replace"))
for requirement in metadata.get_all("Requires-Dist") or ():
    print(" ".join(requirement.split()))
