from setuptools import find_packages, setup

package_name = 'cap_planner'

setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(exclude=['test']),
    package_data={package_name: ['py.typed', 'prompts/*.md', 'prompts/*.py']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
    ],
    zip_safe=True,
    maintainer='Code as Policies for ROS 2 maintainers',
    maintainer_email='maintainers@code-as-policies.example.com',
    description='Instructions to checked, sandboxed programs that call the skills.',
    license='Apache-2.0',
    entry_points={
        'console_scripts': [
            'planner_node = cap_planner.node:main',
            'guard_node = cap_planner.guard_node:main',
        ]
    },
)
