from pathlib import Path

from setuptools import find_packages, setup

package_name = 'cap_bringup'
# setuptools wants paths relative to this file's folder; launch/ and config/ stand at the top level.
top = Path('../..')


def files(folder: str) -> list[str]:
    here = Path(__file__).resolve().parent
    return sorted(str(top / folder / path.name) for path in (here / top / folder).glob('*.*'))


setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(exclude=['test']),
    package_data={package_name: ['py.typed']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        (f'share/{package_name}/launch', files('launch')),
        (f'share/{package_name}/config', files('config')),
    ],
    zip_safe=True,
    maintainer='Code as Policies for ROS 2 maintainers',
    maintainer_email='maintainers@code-as-policies.example.com',
    description='Launch files, configuration, the node list and the cap command.',
    license='Apache-2.0',
    entry_points={'console_scripts': ['cap = cap_bringup.cli:main']},
)
