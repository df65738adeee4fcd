"""A gigabyte in a megabyte."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

_BLOCK = 10_000_000


@lru_cache(maxsize=4)
def gigabyte_of(byte: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """A whole gzip file of 1,000,000,000 times this byte, made without as much memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = byte * _BLOCK
    head = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
    repeated = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = packer.compress(after) + packer.flush(zlib.Z_FINISH)
    checksum = zlib.crc32(before)
    for _ in range(100):
        checksum = zlib.crc32(block, checksum)
    checksum = zlib.crc32(after, checksum)
    size = (len(before) + 100 * _BLOCK + len(after)) % 2**32
    header = b"\x1f\x8b\x08" + bytes(6) + b"\x03"
    return header + head + repeated * 100 + tail + struct.pack("<II", checksum, size)
