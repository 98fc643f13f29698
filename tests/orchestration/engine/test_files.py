"""A file or folder appears whole or not at all."""

from pathlib import Path

import pytest

from orchestration.engine.files import whole_file, whole_folder


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_takes_its_name_when_it_is_written(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "new" / "rows.csv"
    with whole_file(target, durable) as unfinished:
        unfinished.write_text("1", encoding="utf-8")
        assert not target.exists()
        assert unfinished.name.startswith(".")
    with whole_file(target, durable) as unfinished:
        assert not unfinished.exists()
        unfinished.write_text("2", encoding="utf-8")
        assert content(tmp_path)["new/rows.csv"] == "1"
    assert content(tmp_path) == {"new/rows.csv": "2"}


def test_an_error_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    target.write_text("1", encoding="utf-8")

    def write_half() -> None:
        with whole_file(target) as unfinished:
            unfinished.write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert content(tmp_path) == {"rows.csv": "1"}


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "pages"
    for text in ("1", "2"):
        with whole_folder(target) as fresh:
            assert content(fresh) == {}
            (fresh / f"{text}.html").write_text(text, encoding="utf-8")
        assert content(tmp_path) == {f"pages/{text}.html": text}


def test_an_error_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "pages"
    target.mkdir()
    (target / "1.html").write_text("1", encoding="utf-8")

    def write_half() -> None:
        with whole_folder(target) as fresh:
            (fresh / "2.html").write_text("half", encoding="utf-8")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert content(target) == {"1.html": "1"}
    with whole_folder(target) as fresh:
        assert content(fresh) == {}
