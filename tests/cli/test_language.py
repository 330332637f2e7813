"""Help, notes and errors in Chinese: the catalogues are whole, and values come through untouched."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import click
import messages
import pytest
from click.testing import CliRunner

from zoo.cli.app import cli
from zoo.cli.catalogue import PLACEHOLDER, Catalogue, chinese
from zoo.cli.cells import cells, padded, wrapped
from zoo.cli.language import VARIABLES, choose
from zoo.cli.tables import echo_table

REPO = Path(__file__).resolve().parents[2]
ENGLISH = json.loads((messages.MESSAGES / "en.json").read_text(encoding="utf-8"))
NAMES = json.loads((messages.MESSAGES / "names.json").read_text(encoding="utf-8"))
CHINESE = json.loads((messages.MESSAGES / "zh.json").read_text(encoding="utf-8"))
#: What is the same in both languages: commands, and names of parts of a size.
SAME = {
    "--weights pretrained",
    "[Errno {0}] {1}",
    "[height, width]",
    "[width, height]",
    "pip install --upgrade {0}",
    "pip install {0}",
    "unset {0}",
    "zoo bundle MODEL... -o models.zoo [--weights inference|pretrained] [--offline]",
    "zoo bundle install models.zoo",
    "zoo doctor {0}",
    "zoo download {0}{1}",
    "zoo plugins check",
    '~/.bashrc                    eval "$(zoo completion bash)"',
    "~/.config/fish/config.fish   zoo completion fish | source",
    '~/.zshrc                     eval "$(zoo completion zsh)"',
}
WIDE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


def zoo(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs zoo as a user of these settings does, in a terminal of 80 columns."""
    plain = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    return subprocess.run(
        [sys.executable, "-m", "zoo", *arguments],
        env={**plain, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80", "LC_ALL": "", **settings},
        cwd=REPO,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def english_in(text: str) -> list[str]:
    """Returns every three English words in a row that are no command of zoo."""
    return re.findall(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b", re.sub(r"\bzoo [a-z-]+( [a-z]+\b)?", "", text))


def test_the_english_catalogue_lists_every_text_of_the_source() -> None:
    texts = messages.templates()
    hint = "run: python tests/messages.py, then translate the new keys of zoo/cli/messages/zh.json"
    assert sorted(set(texts) - set(ENGLISH)) == [], hint
    assert sorted(set(ENGLISH) - set(texts)) == [], hint
    assert list(texts) == ENGLISH
    assert {key: names for key, names in texts.items() if names} == NAMES, hint


def test_the_chinese_catalogue_translates_every_key() -> None:
    assert list(CHINESE) == ENGLISH
    assert {key for key, text in CHINESE.items() if not WIDE.search(text)} == SAME
    assert {key for key, text in CHINESE.items() if key == text} == SAME


def test_every_translation_has_the_values_of_its_key() -> None:
    def values(text: str) -> set[str]:
        return {match[1] for match in PLACEHOLDER.finditer(text)}

    assert [key for key, text in CHINESE.items() if values(key) != values(text)] == []


def test_translations_are_set_as_chinese_is() -> None:
    half = re.compile(r"[\u4e00-\u9fff][,;:?!](?!\w)|[\u4e00-\u9fff]\.( |$)")
    assert [text for text in CHINESE.values() if half.search(text)] == []
    # Older terminals have no more characters than these.
    assert [text for text in CHINESE.values() if text.encode("gbk", "replace").count(b"?") > text.count("?")] == []


def test_new_texts_are_found_with_their_values_and_choices() -> None:
    source = '''
"""A module about many things."""
import click
NAMES = {"a": "some words here"}
def fetch(url: "a kind of address", again: bool):
    """Does not count."""
    log.info("fetching %s in %d parts", url, 3)
    if url == "never shown to people":
        raise AssertionError("a mistake in a program")
    detail = re.sub("a pattern of words", "", url)
    raise FetchError(
        f"{url!r} has {len(url):,} byte{'s' if again else ''} {detail or 'of unknown kind'}."
        + (f" Try {again} again" if again else ""),
        "Run: zoo download MODEL\\nOr give it up",
    )
@click.command()
@click.option("--fast", help="Faster than light.  [default: off]")
def command():
    """Travels to other
    places.

    \\b
    zoo travel to the moon
    """
'''
    found = dict(map(messages.without_marks, messages.texts(source)))
    assert found["{0} has {1} byte {2}."] == {0}, "the address is a name: it stays as it is"
    assert set(found) == {
        "some words here",
        "fetching {0} in {1} parts",
        "{0} has {1} byte {2}.",
        "{0} has {1} bytes {2}.",
        "{0} has {1} byte {2}. Try {3} again",
        "{0} has {1} bytes {2}. Try {3} again",
        "of unknown kind",
        "Run: zoo download MODEL Or give it up",
        "Faster than light.",
        "Travels to other places.",
        "zoo travel to the moon",
    }


def test_values_come_through_every_translation_untouched() -> None:
    def wrong(keys: Iterable[str], *values: str) -> dict[str, str]:
        def filled(text: str) -> str:
            return PLACEHOLDER.sub(lambda match: values[int(match[1])], text)

        # What follows a full stop begins with a blank.
        shown = {key: chinese().translate(filled(key.replace(".{", ". {"))) for key in keys}
        # Blanks go where Chinese and other letters meet.
        return {key: text for key, text in shown.items() if _bare(text) != _bare(filled(CHINESE[key]))}

    names = [f"/srv/Straße_{number}/«x».bin" for number in range(20)]
    # Of "{0} models" the first is a number.
    assert wrong(wrong(CHINESE, *names), "12", *names) == {}


def _bare(text: str) -> str:
    return text.replace(" ", "")


@pytest.mark.parametrize("name", ["my model, final.jpg", "other file", "x model, y/a model, b.png", "not installed"])
@pytest.mark.parametrize(
    ("english", "expected"),
    [
        ("{0} does not exist. Expected a whole PNG, JPEG, BMP, TIFF, WebP, PPM or GIF picture.", "{0} 不存在。"),
        ("  saved {0}", "  已保存 {0}"),
        ("No model is called '{0}'.", "没有名为 '{0}' 的模型。"),
        ("{0} holds no picture (it is empty). Files such as PNG or JPEG were expected in the folder.", "{0} 其中没有"),
        ("{0} cannot be read: Permission denied.", "{0} 无法读取：权限不足。"),
    ],
)
def test_names_that_read_like_texts_stay_as_they_are(name: str, english: str, expected: str) -> None:
    assert chinese().translate(english.format(name)).startswith(expected.format(name))


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        # A reason inside an error, an error inside an error.
        (
            "street 1.png does not exist. Expected a whole PNG, JPEG, BMP, TIFF, WebP, PPM or GIF picture.",
            "street 1.png 不存在。应为完整的 PNG、JPEG、BMP、TIFF、WebP、PPM 或 GIF 图像。",
        ),
        (
            "The list file a b.txt has 2 faulty entries: line 3 has 1 columns; line 4: c d.png does not exist.",
            "列表文件 a b.txt 中有 2 个错误条目：第 3 行有 1 列；第 4 行：c d.png 不存在。",
        ),
        (
            "X-S is known, but its plugin 'x' of zoo-plugin-x 1.0 is broken: "
            "The plugin 'x' of zoo-plugin-x 1.0 could not be loaded: OSError: no luck.",
            "X-S 是已知模型，但 zoo-plugin-x 1.0 的插件 'x' 已损坏："
            "zoo-plugin-x 1.0 的插件 'x' 无法加载：OSError: no luck。",
        ),
        # What the system says; a path with an error's words in it stays as it is.
        (
            "/srv/is missing/a.json cannot be read: Permission denied.",
            "/srv/is missing/a.json 无法读取：权限不足。",
        ),
        # Sentences that were put together, and names between "or".
        (
            "No model is called 'PP-X'. Did you mean PP-A or PP-B?",
            "没有名为 'PP-X' 的模型。您是不是想用 PP-A 或 PP-B？",
        ),
        (
            "Error: Invalid value for '--keep-size': '5 apples' is not a size such as 500M or 2GB.",
            "错误：'--keep-size' 的值无效：'5 apples' 不是 500M 或 2GB 这样的大小。",
        ),
        # Blanks around a line, and lines that nobody knows.
        ("  saved out/a b.png\nwhatever this is\n", "  已保存 out/a b.png\nwhatever this is\n"),
        ("'it is empty'", "'it is empty'"),
    ],
)
def test_texts_inside_texts_are_translated_and_nothing_else(english: str, expected: str) -> None:
    assert chinese().translate(english) == expected


def test_of_several_ways_to_read_a_text_the_one_that_explains_most_counts() -> None:
    catalogue = Catalogue(
        {"{0} is {1}.": "{0}是{1}。", "{0} is a {1} file.": "{0}是{1}文件。", "a small thing": "小东西"}
    )
    assert catalogue.translate("b.txt is a damaged file.") == "b.txt 是 damaged 文件。"
    assert catalogue.translate("Box 1 is a small thing.") == "Box 1 是小东西。"


def test_long_texts_of_strangers_are_passed_on_at_once() -> None:
    words = [
        "the",
        "file",
        "has",
        "no",
        "more",
        "than",
        "it",
        "was",
        "expected",
        "of",
        "is",
        "and",
        "or",
        "a",
        "cannot",
    ]
    stranger = " ".join(words[number * 7 % len(words)] for number in range(3000))
    assert len(Catalogue(CHINESE).translate(stranger)) > 1000


@pytest.mark.parametrize(
    ("settings", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "zh_SG"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "ZOO_LANG": "en"}, "en"),
        ({"LANG": "C", "ZOO_LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "C", "ZOO_LANG": "zh-Hans"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "ZOO_LANG": "xx"}, "en"),
        ({"LANG": "zhx_ZZ"}, "en"),
    ],
)
def test_zoo_lang_decides_else_the_locale(
    settings: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ZOO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert choose()[0] == language


def test_an_unknown_language_is_english_and_said_with_verbose_only() -> None:
    assert zoo("cache", "dir", ZOO_LANG="xx").stderr == ""
    said = zoo("--verbose", "cache", "dir", ZOO_LANG="xx")
    assert (said.returncode, said.stderr) == (0, "ZOO_LANG is 'xx'; en or zh was expected. English is used.\n")
    assert zoo("--verbose", "cache", "dir", LANG="de_DE.UTF-8").stderr == ""


def test_a_terminal_without_chinese_characters_gets_english() -> None:
    done = zoo("-v", "info", "nothing", ZOO_LANG="zh", PYTHONIOENCODING="latin-1")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "The encoding iso8859-1 has no Chinese characters. English is used.\nNo model is called"
    )


def test_for_english_no_catalogue_is_read() -> None:
    code = "from zoo.cli.app import cli\ntry: cli(['info', 'nothing'])\nfinally: import sys; print(*sys.modules)"
    for value, wanted in (("en", False), ("zh", True)):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "ZOO_LANG": value, "PYTHONIOENCODING": "utf-8"},
            cwd=REPO,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert ("zoo.cli.catalogue" in done.stdout.split()) is wanted


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["info", "PP-LiteSeg-TT"],
            1,
            ["没有名为 'PP-LiteSeg-TT' 的模型。您是不是想用 PP-LiteSeg-T", "请运行：zoo list-models"],
        ),
        (["evaluate", "starter", "--data", "no such.txt"], 1, ["列表文件 no such.txt 无法读取：", "没有该文件或目录"]),
        (["bundle", "starter", "-o", "models.tar"], 1, ["models.tar 没有以 .zoo 结尾。", "请给出 -o models.zoo"]),
        (["bundle", "show", "no.zoo"], 1, ["no.zoo 无法读取：没有该文件或目录。"]),
        (
            ["predic"],
            2,
            [
                "没有命令 'predic'。您是不是想用 predict？",
                "用法：zoo [OPTIONS] COMMAND",
                "运行 'zoo --help' 查看帮助。",
            ],
        ),
        (["info", "--jsn"], 2, ["没有选项 '--jsn'。您是不是想用 '--json'？"]),
        (["info", "a", "b"], 2, ["多余的参数（b）"]),
        (["info"], 2, ["缺少参数 'MODEL'。", "用法：zoo info [OPTIONS] MODEL"]),
        (["export", "starter", "--weights"], 2, ["选项 '--weights' 需要一个值。"]),
        (["cache"], 2, ["查看和整理本机上的模型文件。", "命令："]),
        (["list-models", "--sort", "speed"], 2, ["'--sort' 的值无效：'speed' 不是 'name', 'family',", "之一。"]),
        (["cache", "prune", "--keep-size", "big"], 2, ["'--keep-size' 的值无效：'big' 不是 500M 或 2GB 这样的大小。"]),
        (["evaluate", "x", "--data", "y", "--threads", "0"], 2, ["'--threads' 的值无效：0 不在 1<=x<=4096 的范围内。"]),
        (["evaluate", "x", "--data", "y", "--threads", "z"], 2, ["'z' 不是有效的整数范围。"]),
    ],
)
def test_errors_of_every_kind_are_chinese_with_their_values(arguments: list[str], code: int, said: list[str]) -> None:
    done = zoo(*arguments, ZOO_LANG="zh")
    assert (done.returncode, done.stdout) == (code, "")
    for text in said:
        assert text in done.stderr
    assert not english_in(done.stderr)


def test_a_warning_of_the_log_is_chinese_too(tmp_path: Path) -> None:
    (tmp_path / "broken-1.0.dist-info").mkdir()
    (tmp_path / "broken-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (tmp_path / "broken-1.0.dist-info" / "entry_points.txt").write_text("[zoo.models]\nbroken = broken\n")
    (tmp_path / "broken.py").write_text("raise OSError('no luck')")
    done = zoo("list-models", "-q", "starter", ZOO_LANG="zh", PYTHONPATH=f"{tmp_path}{os.pathsep}{REPO}")
    assert (done.returncode, done.stdout) == (0, "starter\n")
    assert (
        done.stderr == "broken 1.0 的插件 'broken' 无法加载：OSError: no luck。其他插件不受影响；请运行：zoo plugins\n"
    )


def every_command() -> list[list[str]]:
    """Returns the words of every command."""
    found: list[list[str]] = []
    waiting: list[tuple[list[str], click.Command]] = [([], cli)]
    while waiting:
        words, command = waiting.pop()
        found.append(words)
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                waiting.append(([*words, name], inner))
    return found


@pytest.mark.parametrize("words", every_command(), ids=lambda words: " ".join(["zoo", *words]))
def test_the_help_of_every_command_is_chinese_and_80_cells_wide(words: list[str]) -> None:
    done = CliRunner().invoke(cli, [*words, "--help"], prog_name="zoo", env={"ZOO_LANG": "zh", "COLUMNS": "80"})
    assert done.exit_code == 0
    lines = [line for line in done.output.splitlines() if not line.strip().startswith(("zoo ", "~/", "用法："))]
    assert [line for line in lines if english_in(line)] == []
    assert [line for line in lines if cells(line) > 80] == []
    # A usage line and an option or two are not all.
    assert sum(map(len, WIDE.findall(done.output))) > 15
    for english in ("Usage", "Options", "Commands", "[default", "[required"):
        assert english not in done.output
    assert CliRunner().invoke(cli, [*words, "--help"], env={"ZOO_LANG": "en"}).output.startswith("Usage:")


def test_lines_break_by_cells_and_not_before_a_full_stop() -> None:
    text = "将 MODELS（名称或通配模式）写入模型包，create 一词可以省略。"
    for width in range(12, 70):
        lines = wrapped(text, width)
        assert all(cells(line) <= width for line in lines)
        assert not any(line[0] in "，。）" or line[-1] == "（" for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrapped("--an-option-that-is-longer", 10) == ["--an-option-that-is-longer"]


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("权重", 4), ("ｈ", 2), ("e\u0301", 1), ("PP-LiteSeg 模型", 15)]
)
def test_a_chinese_character_takes_two_cells(text: str, width: int) -> None:
    assert cells(text) == width
    assert cells(padded(text, 20)) == cells(padded(text, 20, right=True)) == 20


def test_tables_with_chinese_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    echo_table(("NAME", "数据集", "SIZE"), [("模型一", "城市", "1"), ("b", "cityscapes", "20")], right=(2,))
    lines = capsys.readouterr().out.splitlines()
    assert [cells(line) for line in lines] == [len("模型一") * 2 + 2 + len("cityscapes") + 2 + len("SIZE")] * 3
    assert [cells(line[: line.index(word)]) for line, word in zip(lines, ("数", "城", "city"), strict=True)] == [8] * 3
