"""Map the folders at the root of the repository to the subpackages of `scalewright`."""

from setuptools import find_packages, setup

ROOMS = ("theory", "sim", "nets", "papers")
folders = {"scalewright": "src/scalewright", **{f"scalewright.{room}": room for room in ROOMS}}
packages = [
    p for name, folder in folders.items() for p in (name, *(f"{name}.{n}" for n in find_packages(folder)))
]
data = {"scalewright": ["py.typed", "**/*.html", "**/*.css"], "scalewright.papers": ["**/*.json"]}
setup(package_dir=folders, packages=packages, package_data=data, include_package_data=False)
