"""Messages of the contract with anything in them, and bytes that are almost such messages."""

from random import Random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

DEPTH_MAX = 3
LIKELY_TEXTS = (
    *("IRR", "melli", "mellat", "tax", "IR", "AC04", "2026-11-24", "علی رضایی", "", "a\0b"),
    *("IR060170000000000000000001", "IR700120000000000000000000", "x" * 200),
)
LIKELY_NUMBERS = (0, 1, 2, 3, 17, 33, 364, 1 << 31, (1 << 63) - 1)


def any_message(descriptor: Descriptor, random: Random, depth: int = 0) -> Message:
    """Return a message of a type with some of its fields set, to likely and unlikely values."""
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if random.random() < 0.2 or (depth == DEPTH_MAX and field.message_type):
            continue
        if field.is_repeated:
            for _ in range(random.randrange(4)):
                if field.message_type is None:
                    getattr(message, field.name).append(_value(field, random))
                elif not field.message_type.GetOptions().map_entry:
                    made = any_message(field.message_type, random, depth + 1)
                    getattr(message, field.name).add().CopyFrom(made)
        elif field.message_type is not None:
            made = any_message(field.message_type, random, depth + 1)
            getattr(message, field.name).CopyFrom(made)
        else:
            setattr(message, field.name, _value(field, random))
    return message


def _value(field: FieldDescriptor, random: Random) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return random.choice((random.randbytes(16), b"\1" * 16, random.randbytes(5), b""))
        case FieldDescriptor.CPPTYPE_STRING:
            return random.choice(LIKELY_TEXTS)
        case FieldDescriptor.CPPTYPE_BOOL:
            return random.random() < 0.5
        case FieldDescriptor.CPPTYPE_ENUM:
            return random.choice(field.enum_type.values).number
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return random.random()
        case FieldDescriptor.CPPTYPE_INT32 | FieldDescriptor.CPPTYPE_UINT32:
            return random.choice(LIKELY_NUMBERS) % (1 << 31)
    return random.choice(LIKELY_NUMBERS)


def mutated(message: bytes, random: Random) -> bytes:
    """Return *message* with some bytes changed, gone, added or doubled; now and then as it was."""
    changed = bytearray(message)
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        place = random.randrange(len(changed) + 1)
        match random.randrange(5):
            case 0 | 1 if place < len(changed):
                changed[place] = random.randrange(256)
            case 2:
                del changed[place : place + random.randrange(1, 9)]
            case 3:
                changed[place:place] = random.randbytes(random.randrange(1, 9))
            case _:
                changed[place:place] = changed[: random.randrange(64)]
    return bytes(changed)
