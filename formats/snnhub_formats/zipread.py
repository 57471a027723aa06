"""A strict reader of stored zip archives: exactly the expected members, in order, with nothing between.

Python's ``zipfile`` accepts junk before and between members, duplicate names and compression bombs. A
``.snn`` file is allowed none of that, so its few headers are read here, field by field.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from snnhub.errors import FormatError

LOCAL = struct.Struct("<4sHHHHHIIIHH")
CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
END = struct.Struct("<4sHHHHIIH")
END64_LOCATOR = struct.Struct("<4sIQI")
END64 = struct.Struct("<4sQHHIIQQQQ")
ZIP64_ID = 1
ALIGNMENT_ID = 0xD935
FULL32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """One member: where its bytes are in the file."""

    name: str
    offset: int
    size: int
    crc: int


def read_members(file: BinaryIO, names: Sequence[str], where: str) -> dict[str, Member]:
    """Locate the members ``names``, which must be all there is, in this order, back to back from byte 0.

    Raises ``FormatError`` for anything else: other or duplicate members, gaps, overlaps, junk, comments,
    compression, encryption, data descriptors, or sizes beyond the file.
    """
    file.seek(0, 2)
    length = file.tell()
    start, count, directory_size = _directory(file, length, where)
    if count != len(names):
        raise FormatError("wrong number of members", where=where, found=str(count), allowed=", ".join(names))
    file.seek(start)
    directory = file.read(directory_size)
    members: dict[str, Member] = {}
    position, expected = 0, 0
    for name in names:
        member, header_offset, position = _central(directory, position, where)
        if member.name != name:
            raise FormatError("unexpected member", where=where, found=repr(member.name), allowed=name)
        if header_offset != expected:
            raise FormatError("gap or overlap before a member", where=f"{where}:{name}", found=str(header_offset))
        members[name] = _local(file, member, header_offset, where)
        expected = members[name].offset + member.size
    if position != len(directory) or expected != start:
        raise FormatError("bytes that belong to no member", where=where)
    return members


def read_member(file: BinaryIO, member: Member, limit: int, where: str) -> bytes:
    """The bytes of a small member, CRC checked. Raises ``FormatError`` above ``limit`` bytes."""
    if member.size > limit:
        raise FormatError(
            "member is too large",
            where=f"{where}:{member.name}",
            found=f"{member.size} bytes",
            allowed=f"{limit} bytes",
        )
    file.seek(member.offset)
    data = file.read(member.size)
    if zlib.crc32(data) != member.crc:
        raise FormatError("checksum of a member is wrong", where=f"{where}:{member.name}")
    return data


def _directory(file: BinaryIO, length: int, where: str) -> tuple[int, int, int]:
    """Start, number of entries and size of the central directory."""
    if length < END.size:
        raise FormatError("file is too short for a .snn file", where=where, found=f"{length} bytes")
    file.seek(length - END.size)
    magic, disk, first_disk, here, count, size, start, comment = END.unpack(file.read(END.size))
    if magic != b"PK\5\6" or comment:
        raise FormatError("not a .snn file, or truncated, or with bytes after its end", where=where)
    if disk or first_disk or here != count:
        raise FormatError("archive spans several disks", where=where)
    end = length - END.size
    if FULL32 in {start, size}:
        start, count, size, end = _directory64(file, end, where)
    if start + size != end:
        raise FormatError(
            "central directory is not where it should be", where=where, found=str(start + size), allowed=str(end)
        )
    return start, count, size


def _directory64(file: BinaryIO, end: int, where: str) -> tuple[int, int, int, int]:
    locator_at = end - END64_LOCATOR.size
    record_at = locator_at - END64.size
    if record_at < 0:
        raise FormatError("truncated ZIP64 directory", where=where)
    file.seek(record_at)
    record = END64.unpack(file.read(END64.size))
    locator = END64_LOCATOR.unpack(file.read(END64_LOCATOR.size))
    if record[0] != b"PK\6\6" or locator[0] != b"PK\6\7" or locator[2] != record_at or record[6] != record[7]:
        raise FormatError("broken ZIP64 directory", where=where)
    return record[9], record[7], record[8], record_at


def _central(directory: bytes, position: int, where: str) -> tuple[Member, int, int]:
    """The entry at ``position``, the offset of its local header, and the position after it."""
    if position + CENTRAL.size > len(directory):
        raise FormatError("truncated central directory", where=where)
    entry = CENTRAL.unpack_from(directory, position)
    magic, _, _, flags, method, _, _, crc, packed, size, name_len, extra_len, comment_len, disk, _, _, offset = (
        entry
    )
    end = position + CENTRAL.size + name_len + extra_len
    if magic != b"PK\1\2" or end > len(directory) or comment_len or disk:
        raise FormatError("broken central directory", where=where)
    raw = directory[position + CENTRAL.size :][:name_len]
    try:
        name = raw.decode("ascii")
    except UnicodeDecodeError:
        raise FormatError("member name is not ASCII", where=where, found=repr(raw)) from None
    if flags or method:
        raise FormatError(
            "member is compressed, encrypted or streamed",
            where=f"{where}:{name}",
            found=f"method {method}, flags {flags}",
            allowed="stored, flags 0",
        )
    size, packed, offset = _wide(directory[end - extra_len : end], [size, packed, offset], f"{where}:{name}")
    if packed != size:
        raise FormatError("stored size differs from size", where=f"{where}:{name}")
    return Member(name, 0, size, crc), offset, end


def _wide(extra: bytes, values: list[int], where: str) -> list[int]:
    """``values`` with those that are 0xFFFFFFFF taken from the ZIP64 field. Only known fields are allowed."""
    position = 0
    wide = list(values)
    while position < len(extra):
        if position + 4 > len(extra):
            raise FormatError("broken extra field", where=where)
        kind, size = struct.unpack_from("<HH", extra, position)
        body = extra[position + 4 : position + 4 + size]
        if len(body) != size or kind not in (ZIP64_ID, ALIGNMENT_ID):
            raise FormatError("unknown or broken extra field", where=where, found=hex(kind))
        if kind == ZIP64_ID:
            slots = [index for index, value in enumerate(values) if value == FULL32]
            if size != 8 * len(slots):
                raise FormatError("ZIP64 field has the wrong size", where=where, found=str(size))
            for number, index in enumerate(slots):
                wide[index] = int(struct.unpack_from("<Q", body, 8 * number)[0])
        position += 4 + size
    return wide


def _local(file: BinaryIO, member: Member, header_offset: int, where: str) -> Member:
    """The member with its data offset, its local header checked against the central directory."""
    file.seek(header_offset)
    header = file.read(LOCAL.size)
    place = f"{where}:{member.name}"
    if len(header) < LOCAL.size:
        raise FormatError("truncated", where=place)
    magic, _, flags, method, _, _, crc, packed, size, name_len, extra_len = LOCAL.unpack(header)
    rest = file.read(name_len + extra_len)
    if magic != b"PK\3\4" or flags or method or len(rest) != name_len + extra_len:
        raise FormatError("broken local header", where=place)
    size, packed = _wide(rest[name_len:], [size, packed], place)
    if rest[:name_len] != member.name.encode() or (size, packed, crc) != (member.size, member.size, member.crc):
        raise FormatError("local header and central directory disagree", where=place)
    return Member(member.name, header_offset + LOCAL.size + name_len + extra_len, member.size, member.crc)
