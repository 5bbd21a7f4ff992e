"""The tree that grows is that of RFC 6962; a path proves its leaf at its place, nothing else."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from payvand.core.merkle import MerkleTree, leaf_hash, root_from_path
from tests.support.naive_merkle import naive_path, naive_root

CONTENTS = st.lists(st.binary(max_size=3), min_size=1, max_size=70)


def grown(contents: list[bytes], watched: set[int]) -> MerkleTree:
    tree = MerkleTree()
    for position, content in enumerate(contents):
        if position in watched:
            assert tree.watch() == position
        tree.extend([leaf_hash(content)])
    return tree


def test_the_empty_tree_has_the_root_of_the_rfc() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert MerkleTree().root().hex() == empty


@given(CONTENTS)
def test_root_and_paths_are_those_of_the_recursive_definition(contents: list[bytes]) -> None:
    root, paths = grown(contents, set(range(len(contents)))).seal()
    assert root == naive_root(contents)
    assert [list(paths[at]) for at in range(len(contents))] == [
        naive_path(at, contents) for at in range(len(contents))
    ]


@given(CONTENTS)
def test_every_leaf_is_proved_at_its_place_and_at_no_other(contents: list[bytes]) -> None:
    size = len(contents)
    root, paths = grown(contents, set(range(size))).seal()
    for at, path in paths.items():
        leaf = leaf_hash(contents[at])
        assert root_from_path(leaf, at, size, path) == root
        for other in range(-1, size + 1):
            if other != at and (not 0 <= other < size or contents[other] != contents[at]):
                assert root_from_path(leaf, other, size, path) != root


@given(CONTENTS, st.data())
def test_no_flipped_bit_and_no_other_length_of_a_path_leads_to_the_root(
    contents: list[bytes], data: Any
) -> None:
    at = data.draw(st.integers(0, len(contents) - 1))
    tree = grown(contents, {at})
    root, paths = tree.seal()
    leaf, path, size = leaf_hash(contents[at]), paths[at], len(contents)
    hashes = [leaf, *path]
    place = data.draw(st.integers(0, len(hashes) * 256 - 1))
    flipped = bytearray(b"".join(hashes))
    flipped[place // 8] ^= 1 << place % 8
    leaf_of, *path_of = (bytes(flipped[n : n + 32]) for n in range(0, len(flipped), 32))
    assert root_from_path(leaf_of, at, size, path_of) != root
    assert root_from_path(leaf, at, size, [*path, leaf]) != root
    if path:
        assert root_from_path(leaf, at, size, path[:-1]) != root


@given(CONTENTS)
def test_asking_for_the_root_leaves_the_tree_as_it_is(contents: list[bytes]) -> None:
    tree = MerkleTree()
    for count, content in enumerate(contents, 1):
        tree.extend([leaf_hash(content)])
        assert tree.root() == naive_root(contents[:count])
