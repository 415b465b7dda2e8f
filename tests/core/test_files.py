import errno

import pytest

from anlan.core.errors import AnlanError
from anlan.core.files import replacing, replacing_folder


def test_a_file_is_replaced_only_when_the_block_ends_well(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as out:  # noqa: PT012
        out.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    with replacing(path) as out:
        out.write_text("new")
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_leaves_the_old_folder_whole(tmp_path):
    folder = tmp_path / "city"
    with replacing_folder(folder) as out:
        (out / "a").write_text("1")
    with pytest.raises(AnlanError, match="untouched"), replacing_folder(folder) as out:  # noqa: PT012
        (out / "a").write_text("2")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (folder / "a").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["city"]
