"""Sockets: what `block_network=True` stops, whoever opens the socket: all that would leave this machine."""

from __future__ import annotations

import fnmatch
import ipaddress
import socket
from typing import Any

from cassettes_lib.errors import AmbiguousCassetteError
from cassettes_lib.guard import SealedBlock
from cassettes_lib.ownership import block_in_charge, blocks_of, open_blocks
from cassettes_lib.patches import Layer, PatchPoint


def connect(layer: Layer, sock: socket.socket, address: Any) -> Any:
    """What `socket.connect` and `connect_ex` do while a block with `block_network=True` is open."""
    _stop(sock, address)
    return layer.below(sock, address)


def sendto(layer: Layer, sock: socket.socket, *args: Any) -> Any:
    """What `socket.sendto` does while such a block is open; the address is the last argument."""
    _stop(sock, args[-1] if args else None)
    return layer.below(sock, *args)


def sendmsg(layer: Layer, sock: socket.socket, *args: Any) -> Any:
    """What `socket.sendmsg` does while such a block is open."""
    _stop(sock, args[3] if len(args) > 3 else None)
    return layer.below(sock, *args)


def getaddrinfo(layer: Layer, host: Any, *args: Any, **kwargs: Any) -> Any:
    """What `socket.getaddrinfo` does while such a block is open: a name server is on the network, too.

    The addresses of an allowed host are noted, for it is by address that it will be connected to.
    """
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    blocks = [] if name is None or _is_address(name) or is_loopback(name) else _blocks_without_network()
    for block in blocks:
        if not _is_allowed(block, name):
            raise _refusal(block, f"The look-up of {name}")
    found = layer.below(host, *args, **kwargs)
    for block in blocks:
        block.allowed_addresses.update(str(each[4][0]) for each in found)
    return found


SOCKET_POINTS = (
    PatchPoint(socket.socket, "connect", connect),
    PatchPoint(socket.socket, "connect_ex", connect),
    PatchPoint(socket.socket, "sendto", sendto),
    *([PatchPoint(socket.socket, "sendmsg", sendmsg)] if hasattr(socket.socket, "sendmsg") else []),
    PatchPoint(socket, "getaddrinfo", getaddrinfo),
)


def _stop(sock: socket.socket, address: Any) -> None:
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return
    host = str(address[0])
    if is_loopback(host):
        return
    for block in _blocks_without_network():
        if host not in block.allowed_addresses and not _is_allowed(block, host):
            raise _refusal(block, f"A connection to {host}:{address[1]}")


def _blocks_without_network() -> list[SealedBlock]:
    """The blocks in charge of what is running that leave it no network, the innermost first."""
    try:
        candidates = blocks_of(block_in_charge())
    except AmbiguousCassetteError:
        candidates = list(open_blocks())
    return [each for each in candidates if isinstance(each, SealedBlock) and each.block_network]


def _refusal(block: SealedBlock, what: str) -> Exception:
    return block.refuse(
        None, what, f"the block of the cassette {block.name} has block_network=True, which leaves loopback and the "
        "hosts named in allow_network="
    )


def _is_allowed(block: SealedBlock, host: str) -> bool:
    return any(fnmatch.fnmatchcase(host.lower().rstrip("."), pattern) for pattern in block.allow_network)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host, a name or an address, is this machine itself."""
    name = host.lower().rstrip(".")
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    if not _is_address(name):
        return False
    address = ipaddress.ip_address(name.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    # The unspecified address reaches this machine, where it reaches anything.
    return bool(mapped.is_loopback or mapped.is_unspecified)
