"""Every package.xml lists what its code imports, and nothing else: rosdep installs from it."""

import ast
import re
import sys
import xml.etree.ElementTree as ET

import pytest

from cap_bringup.workspace import ROOT

# rosdep's names of Python packages, where they are not the module's own.
KEYS = {
    'cv2': 'python3-opencv',
    'hypothesis': 'python3-hypothesis',
    'imageio': 'python3-imageio',
    'numpy': 'python3-numpy',
    'PIL': 'python3-pil',
    'pytest': 'python3-pytest',
    'rich': 'python3-rich',
    'scipy': 'python3-scipy',
    'shapely': 'python3-shapely',
    'transforms3d': 'python3-transforms3d',
    'yaml': 'python3-yaml',
}
# rosdep has none: on a ROS 2 machine pip installs them (README).
PYPI_ONLY = {
    'httpx2',
    'imageio_ffmpeg',
    'mujoco',
    'ompl',
    'openai',
    'pyseccomp',
    'tensorflow',
    'toppra',
    'torch',
    'transformers',
    'ur_analytic_ik',
}
# Modules that have another name than their package.
MODULES = {'tensorflow-cpu': 'tensorflow'}
# Needed without an import: processes that the node list starts, and what launch/ imports.
NOT_IMPORTED = {
    'cap_bringup': {'cap_perception', 'cap_sim', 'cap_skills', 'launch', 'launch_ros'},
    'cap_sim': {'python3-opengl'},  # mujoco.egl
    'cap_skills': {'cap_sim'},  # its tests start the simulator
}
PACKAGES = sorted(path.parent for path in ROOT.glob('src/*/setup.py'))


def imports(folder, tests):
    """Packages that the modules import, without those of Python and their own."""
    found = set()
    for path in folder.glob('**/*.py'):
        if path.name == 'setup.py' or ('test' in path.relative_to(folder).parts) != tests:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition('.')[0])
    beside = {path.stem for path in (folder / 'test').iterdir()}  # what its tests share
    found -= {folder.name, *beside, *sys.stdlib_module_names, *PYPI_ONLY}
    return {KEYS.get(name, name) for name in found}


@pytest.mark.parametrize('folder', PACKAGES, ids=lambda folder: folder.name)
def test_dependencies_are_the_imports(folder):
    manifest = ET.parse(folder / 'package.xml')
    run = {item.text for item in manifest.iter('exec_depend')}
    test = {item.text for item in manifest.iter('test_depend')}
    needed, in_tests = imports(folder, tests=False), imports(folder, tests=True)
    extra = NOT_IMPORTED.get(folder.name, set())
    assert needed <= run
    assert run <= needed | extra
    assert in_tests <= run | test
    assert test <= in_tests | extra
    assert extra <= run | test


def test_what_pip_has_to_install_is_required():
    assert required('common') | required('neural') >= PYPI_ONLY
    extra = (ROOT / 'src/cap_perception/setup.py').read_text(encoding='utf-8')
    neural = re.search(r"'neural': \[(.*)\]", extra)[1]
    assert {name.strip("' ") for name in neural.split(',')} == names_of('neural')


def names_of(file):
    """Packages that a file of requirements/ asks for."""
    text = (ROOT / f'src/cap_bringup/requirements/{file}.in').read_text(encoding='utf-8')
    return set(re.findall(r'^[\w-]+', text, re.MULTILINE))


def required(file):
    """Their modules."""
    return {MODULES.get(name, name.replace('-', '_')) for name in names_of(file)}
