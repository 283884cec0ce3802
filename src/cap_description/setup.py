from glob import glob

from setuptools import find_packages, setup

package_name = 'cap_description'

setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(exclude=['test']),
    package_data={package_name: ['py.typed']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        (f'share/{package_name}/urdf', glob('urdf/*.xacro')),
    ],
    zip_safe=True,
    maintainer='Code as Policies for ROS 2 maintainers',
    maintainer_email='maintainers@code-as-policies.example.com',
    description='The robot cell as one xacro.',
    license='Apache-2.0',
    entry_points={'console_scripts': []},
)
