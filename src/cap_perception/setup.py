from setuptools import find_packages, setup

package_name = 'cap_perception'

setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(exclude=['test']),
    package_data={package_name: ['py.typed']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
    ],
    # Versions that are tested: src/cap_bringup/requirements/neural.in.
    extras_require={'neural': ['tensorflow-cpu', 'torch', 'transformers']},
    zip_safe=True,
    maintainer='Code as Policies for ROS 2 maintainers',
    maintainer_email='maintainers@code-as-policies.example.com',
    description='Camera images to a named scene.',
    license='Apache-2.0',
    entry_points={'console_scripts': ['perception_node = cap_perception.node:main']},
)
