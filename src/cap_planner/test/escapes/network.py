"""Sockets: those that reach somebody, and those that merely exist."""

from __future__ import annotations

from escapes.attack import KERNEL, WALK, Attack, Goal, layers

_SOCKET = layers('seccomp rlimits')
_TO_TCP = _SOCKET | {'landlock'}
_TO_ABSTRACT = _SOCKET | {'landlock'}
_TO_PATH = layers('seccomp rlimits')
_RAW = layers('seccomp rlimits identity capabilities')

_CONTACTS = {
    'connect by TCP': (
        "s.socket().connect(('127.0.0.1', tcp_port))",
        _TO_TCP,
        'sandlock test_tcp_always_allowed',
    ),
    'connect by TCP over IPv6': (
        "s.socket(s.AF_INET6).connect(('::ffff:127.0.0.1', tcp_port))",
        _TO_TCP,
        'sandlock test_http_acl_ipv6_deny',
    ),
    'send by UDP': (
        "s.socket(2, 2).sendto(nonce.encode(), ('127.0.0.1', udp_port))",
        _SOCKET,
        'sandlock test_udp_denied_by_default',
    ),
    'sendmsg by UDP': (
        "s.socket(2, 2).sendmsg([nonce.encode()], [], 0, ('127.0.0.1', udp_port))",
        _SOCKET,
        'sandlock test_sendmmsg_partial_failure_on_blocked_destination',
    ),
    'unix socket by its path': (
        's.socket(1).connect(unix_path)',
        _TO_PATH,
        'sandlock test_named_unix_socket_connect_denied_without_fs_write',
    ),
    'unix socket through a link': (
        "s.socket(1).connect(folder + '/way')",
        _TO_PATH,
        'sandlock test_named_unix_socket_symlink_escape_denied',
    ),
    'unix datagram': (
        's.socket(1, 2).sendto(nonce.encode(), dgram_path)',
        _TO_PATH,
        'sandlock test_named_unix_dgram_sendto_denied_without_fs_write',
    ),
    'unix datagram by sendmsg': (
        's.socket(1, 2).sendmsg([nonce.encode()], [], 0, dgram_path)',
        _TO_PATH,
        'sandlock test_named_unix_dgram_sendmsg_denied_without_fs_write',
    ),
    'abstract unix socket': (
        "s.socket(1).connect('\\0' + abstract)",
        _TO_ABSTRACT,
        'sandlock test_abstract_unix_socket_contained',
    ),
    'a descriptor sent away': (
        """
        left, right = s.socketpair()
        way = s.socket(1, 2)
        way.connect(dgram_path)
        s.send_fds(way, [nonce.encode()], [left.fileno()])
        """,
        _TO_PATH,
        'sandlock test_connected_unix_sendmsg_translates_scm_rights_under_net_policy',
    ),
}
_DESCRIPTORS = {
    'listen by TCP': (
        "way = s.create_server(('127.0.0.1', 0))",
        _TO_TCP,
        'sandlock test_net_deny_bind_blocks_tcp_only',
    ),
    'bind by UDP': (
        "way = s.socket(2, 2)\nway.bind(('127.0.0.1', 0))",
        _SOCKET,
        'sandlock test_udp_denied_by_default',
    ),
    'raw socket': ('way = s.socket(2, 3, 1)', _RAW, 'sandlock test_raw_socket_blocked'),
    'packet socket': ('way = s.socket(17, 3)', _RAW, 'sandlock test_raw_icmp_always_denied'),
    'netlink socket': ('way = s.socket(16, 3, 0)', _SOCKET, 'sandlock test_netlink_virt'),
    'virtual machine socket': ('way = s.socket(40, 1, 0)', _SOCKET, 'kernel: AF_VSOCK'),
    'pair of sockets': ('way = s.socketpair()', _SOCKET, 'kernel: socketpair'),
}
_CONTACT_BY_NUMBER = """
way = call('socket', 2, 1, 0)
address = b'\\x02\\x00' + tcp_port.to_bytes(2, 'big') + b'\\x7f\\0\\0\\1' + b'\\0' * 8
if libc.connect(way, address, 16): raise ValueError
"""
_MODULE = "\ns = modules['socket']\n"
_OPTIONAL = ('virtual machine socket', 'packet socket')

ATTACKS = [
    *(
        Attack(f'contact: {name}', Goal.SOCKET, off, WALK + _MODULE, text, origin)
        for name, (text, off, origin) in _CONTACTS.items()
    ),
    *(
        Attack(
            f'socket: {name}',
            Goal.SOCKET,
            off,
            WALK + _MODULE,
            text,
            origin,
            root=name == 'raw socket',
            optional=name in _OPTIONAL,
        )
        for name, (text, off, origin) in _DESCRIPTORS.items()
    ),
    Attack(
        'call: socket and connect',
        Goal.SOCKET,
        _TO_TCP,
        KERNEL,
        _CONTACT_BY_NUMBER,
        'sandlock test_seccomp_enforce',
    ),
]
