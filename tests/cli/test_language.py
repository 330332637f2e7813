"""Help, notes and errors in Chinese: every text of the source has a translation, and values come through untouched."""

from __future__ import annotations

import ast
import copy
import os
import pickle
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
import texts
from babel.messages.extract import extract_from_dir
from click.testing import CliRunner
from PIL import Image

from zoo.cli.app import cli
from zoo.cli.cells import cells, padded, wrapped
from zoo.cli.language import VARIABLES, catalogue, choose, translate
from zoo.cli.tables import echo_table
from zoo.errors import ConfigError, ZooError
from zoo.message import FIELD, Message, printable

REPO = Path(__file__).resolve().parents[2]
ZOO = texts.read("zoo")
CLICK = texts.read("click")
#: What is the same in both languages, but for an article.
SAME = {"mIoU", "pip install {distribution}", "The {plugin}", "{type}: {reason}"}
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


def parts(text: str | tuple[str, ...] | list[str]) -> list[str]:
    """Returns the forms of a text, for one and for several things."""
    return [text] if isinstance(text, str) else list(text)


def test_the_catalogue_holds_the_texts_of_the_source_and_no_others() -> None:
    """If this fails, run `make messages` and translate what is empty in zoo.po."""
    found = {text for source in texts.sources().values() for text in texts.texts(source)}
    assert {message.id for message in ZOO if message.id} == found


def test_every_text_of_click_has_a_translation() -> None:
    # "d" is the text of a lookup by another function.
    found = extract_from_dir(Path(click.__file__).parent)
    ids = {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}
    assert {message for message in ids if len(message) > 1 and message not in CLICK} == set()


@pytest.mark.parametrize("domain", ["zoo", "click"])
def test_what_is_installed_is_compiled_from_the_catalogue(domain: str) -> None:
    catalog = texts.read(domain)
    assert (texts.FOLDER / f"{domain}.po").read_bytes() == texts.written(catalog)
    compiled = catalogue(domain)
    for message in catalog:
        if message.id:
            one, *many = parts(message.id)
            # gettext alone does not find a text that has two forms before Python 3.11.3.
            assert (compiled.ngettext(one, many[0], 1) if many else compiled.gettext(one)) in parts(message.string)


def test_every_text_is_translated_with_its_values() -> None:
    def names(text: str) -> set[str]:
        return {field[1] for field in FIELD.finditer(text)}

    for message in (message for message in [*ZOO, *CLICK] if message.id):
        english = parts(message.id)
        for text in parts(message.string):
            assert WIDE.search(text) or message.id in SAME
            # What stands for one and for several things has one form in Chinese, and not every form has every value.
            assert names(text) <= names(" ".join(english)), message.id
            assert names(text) == names(english[0]) or message.id in CLICK, message.id
            # Values of log lines have no names: they keep their order.
            assert re.findall(r"%[\d.]*[a-z]", text) == re.findall(r"%[\d.]*[a-z]", english[0])


def test_translations_are_set_as_chinese_is() -> None:
    half = re.compile(r"[\u4e00-\u9fff][,;:?!](?!\w)|[\u4e00-\u9fff]\.( |$)")
    found = [text for message in [*ZOO, *CLICK] if message.id for text in parts(message.string)]
    assert [text for text in found if half.search(FIELD.sub("", text))] == []
    # Older terminals have no more characters than these.
    assert [text for text in found if text.encode("gbk", "replace").count(b"?") > text.count("?")] == []


def test_templates_are_plain_text_and_their_values_are_given_by_name() -> None:
    """A text that is put together before it is looked up would never be found."""
    for path, source in texts.sources().items():
        for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
            given = {word.arg for word in call.keywords}
            for argument in texts.templates(call):
                place = f"{path}:{argument.lineno}"
                assert not isinstance(argument, (ast.JoinedStr, ast.BinOp)), place
                if isinstance(argument, ast.Constant) and given and None not in given:
                    fields = {field[1] for field in FIELD.finditer(str(argument.value))}
                    # A fault of a document gives its place itself.
                    own = {"place"} if texts.called(call.func) == "fault" else set[str]()
                    assert fields <= given | own, place


#: What a user, a file or the network may give for a value.
HOSTILE = [
    "{name}",
    "{0} {} {{",
    "a\nb\x1b[31m",
    "\u202ex",
    "\udcff",
    "城市，图像。",
    "",
    "it is empty",
    "x" * 20_000,
    "%s %(y)s %",
    None,
    Path("/srv/{x}"),
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_template_shows_every_value_as_it_is(
    hostile: object, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_LANG", language)

    def expected(field: re.Match[str]) -> str:
        # Of a path is kept its text.
        text = repr(str(hostile) if isinstance(hostile, Path) else hostile) if field[2] else str(hostile)
        cut = re.fullmatch(r"\.(\d+)", field[3] or "")  # {name!r:.80}
        return printable(text[: int(cut[1])] if cut else text)

    for template in (str(message.id) for message in ZOO if message.id):
        wanted = catalogue("zoo").gettext(template) if language == "zh" else template
        message = Message(template, **{field[1]: hostile for field in FIELD.finditer(template)})
        # Only figures may look otherwise: {share:.1%} of a text is the text.
        assert translate(message) == FIELD.sub(expected, wanted)
        assert translate(message).count("\n") == template.count("\n")
        translate(message).encode("utf-8")


def test_a_message_inside_a_message_is_translated_and_a_value_that_reads_like_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ZOO_LANG", "zh")
    template = "{name} cannot be read: {reason}."
    assert template in ZOO
    for name, reason, expected in [
        ("a.png", Message("it is empty"), "a.png 无法读取：它为空。"),
        ("it is empty", "it is empty", "it is empty 无法读取：it is empty。"),
        ("不存在.", Message("it is empty"), "不存在. 无法读取：它为空。"),
        # Beside a name stands a blank, between two words of Chinese none.
        (Message("the file"), Message("it is empty"), "文件无法读取：它为空。"),
    ]:
        assert translate(Message(template, name=name, reason=reason)) == expected
    names = [Message("{count} other files passed over, such as {name}", count=2, name="x"), "y"]
    assert translate(Message("{told:, }", told=names)) == "跳过 2 个其他文件，例如 x，y"


CHECK = Message("Check the path.")


def test_of_a_message_that_ends_a_sentence_one_full_stop_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_LANG", "zh")
    hint = Message("{hint}. Or use the model that comes with zoo: model='starter'", hint=CHECK)
    assert hint.startswith("Check the path. Or use ")
    assert translate(hint).startswith("请检查路径。或使用")
    inner = Message("The file has {count} bytes.", count=3)
    assert (
        Message("{name} failed: {reason}. Go on.", name="x.", reason=inner) == "x. failed: The file has 3 bytes. Go on."
    )


def test_what_an_error_was_raised_with_stays_a_message() -> None:
    reason = Message("it has {count} bytes", count=3)
    assert Message("{reason}", reason=ValueError(reason)).values["reason"].template == "it has {count} bytes"


def test_objects_are_kept_as_what_they_show() -> None:
    class Bad:
        def __str__(self) -> str:
            raise RuntimeError

    template = "{bad} {figure:.2f} {missing:.2f} {shape} {names:, } {none!r}"
    values = {"bad": Bad(), "figure": 1.0, "missing": None, "shape": (1, 2), "names": ["a", "b"], "none": None}
    message = Message(template, **values)
    assert message == "<Bad> 1.00 None (1, 2) a, b None"


def test_errors_can_be_copied_and_sent_with_their_values() -> None:
    error = ConfigError("{name!r} has {count} keys.", "Use {name}", name="a{b}", count=2, path=Path("/x"))
    for again in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert str(again) == "'a{b}' has 2 keys.\nUse a{b}"
        assert again.values == {"name": "a{b}", "count": 2, "path": "/x"}
        assert (again.message.template, again.hint.template) == ("{name!r} has {count} keys.", "Use {name}")


def test_an_error_with_a_finished_text_of_a_stranger_is_shown_as_it_is() -> None:
    assert str(ZooError("a {strange} text: {}", "and {0}")) == "a {strange} text: {}\nand {0}"


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
    code = (
        "from zoo.cli.app import cli\nfrom zoo.cli.language import catalogue\n"
        "try: cli(['info', 'nothing'])\nfinally: print(catalogue.cache_info().currsize)"
    )
    for value, wanted in (("en", "0"), ("zh", "1")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "ZOO_LANG": value, "PYTHONIOENCODING": "utf-8"},
            cwd=REPO,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.stdout.strip() == wanted


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["info", "PP-LiteSeg-TT"],
            1,
            ["没有名为 'PP-LiteSeg-TT' 的模型。您是不是想用 PP-LiteSeg-T", "请运行：zoo list-models"],
        ),
        # What the system says stays as the system says it.
        (["evaluate", "starter", "--data", "no such.txt"], 1, ["列表文件 no such.txt 不存在。"]),
        (["pack", "starter", "-o", "models.tar"], 1, ["models.tar 没有以 .zoo 结尾。", "请给出 -o models.zoo"]),
        (["pack", "show", "no.zoo"], 1, ["no.zoo 不存在；应为模型包。"]),
        (
            ["predic"],
            2,
            [
                "没有命令 'predic'。您是不是想用 predict？",
                "用法：zoo [OPTIONS] COMMAND",
                "运行 'zoo --help' 查看帮助。",
            ],
        ),
        (["info", "--jsn"], 2, ["没有选项 '--jsn'。 您是不是想用 '--json'？"]),
        (["info", "a", "b"], 2, ["多余的参数（b）"]),
        (["info"], 2, ["缺少参数 'MODEL'.", "用法：zoo info [OPTIONS] MODEL"]),
        (["export", "starter", "--weights"], 2, ["选项 '--weights' 后缺少值。"]),
        (["cache"], 2, ["查看和整理本机上的模型文件。", "命令："]),
        (["list-models", "--sort", "speed"], 2, ["'--sort' 的值无效：'speed' 不是 'name', 'family',", "之一。"]),
        (["cache", "prune", "--keep-size", "big"], 2, ["'--keep-size' 的值无效：'big' 不是 500M 或 2GB 这样的大小。"]),
        (["evaluate", "x", "--data", "y", "--threads", "0"], 2, ["'--threads' 的值无效：0 不在 1<=x<=4096 的范围内。"]),
        (["evaluate", "x", "--data", "y", "--threads", "z"], 2, ["'z' 不是有效的数值。"]),
    ],
)
def test_errors_of_every_kind_are_chinese_with_their_values(arguments: list[str], code: int, said: list[str]) -> None:
    done = zoo(*arguments, ZOO_LANG="zh")
    assert (done.returncode, done.stdout) == (code, "")
    for text in said:
        assert text in done.stderr
    assert not english_in(done.stderr.replace("No such file or directory", ""))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all, so that a program is tried once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def folder(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a picture and with what users get wrong."""
    monkeypatch.setenv("ZOO_HOME", str(home))
    Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:90])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "the file").mkdir()
    (tmp_path / "unknown.yaml").write_text("labels: {x: [sidewalkk]}")
    (tmp_path / "key.yaml").write_text("lables: {x: [road]}")
    (tmp_path / "pipeline.yaml").write_text("zoo: 1\nmodel: starter\nmoed: slide\n")
    (tmp_path / "value.yaml").write_text("zoo: 1\nmodel: starter\nwindow: abc\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


#: What was typed, and how each line of the answer begins.
MISTAKES = {
    "predict a.png --labels unknown.yaml": [
        "类别映射 unknown.yaml 第 1 行：`labels.x[0]`：'sidewalkk' 不是类别集 'camvid' 中的类别。",
        "其类别为 sky, building, pole,",
    ],
    "predict a.png --labels key.yaml": [
        "类别映射 key.yaml 第 1 行：`lables` 不是类别映射的键。",
        "您是不是想用 `labels`？",
    ],
    "predict a.png --palette raod=#000000": ["'raod' 不是类别集 'camvid' 中的类别。", "您是不是想用 road？"],
    "predict a.png --mode whole --window 64 64": [
        "mode 为 'whole'，没有窗口；却给出了 window 和 stride。",
        "请使用 --mode slide",
    ],
    "predict a.png --backend foo": ["没有名为 'foo' 的引擎。已安装：paddle。", "请使用 --backend auto"],
    "predict a.png --device dcu": [
        "此处未安装设备 'dcu'。已安装：cpu、",
        "请使用 --device cpu",
    ],
    "predict a.png --device cpu:3": [
        "设备 'cpu:3' 的编号不存在：编号从 0 开始，而 cpu 只有一个。",
        "请给出一个，例如 cpu",
    ],
    "predict nothing.png": ["nothing.png 不存在。应为完整的 PNG、JPEG、", "请检查路径及其读取权限；"],
    "predict empty.png": ["empty.png 为空（0 字节）。应为完整的 PNG、JPEG、", "请重新复制或下载该文件。"],
    "predict text.png": ["text.png 不是可接受格式的图像。应为完整的 PNG、JPEG、", "请用看图软件打开；"],
    "predict cut.png": ["cut.png 无法解码：它在末尾之前中断。应为完整的 PNG、JPEG、", "请用看图软件打开；"],
    "predict 'the file'": ["the file 其中没有图像（它为空）。目录中应有 PNG 或 JPEG 之类的文件。", "请检查路径。"],
    "predict a.png --model starterr": ["没有名为 'starterr' 的模型。您是不是想用 starter？", "请运行：zoo list-models"],
    "predict a.png --model PP-LiteSeg-T --offline": [
        "PP-LiteSeg-T 的 inference 文件不在本机上，而 zoo 被要求保持离线。",
        "请去掉 --offline 和 ZOO_OFFLINE 后运行：zoo download PP-LiteSeg-T。或使用 zoo 自带的模型：--model starter",
    ],
    "predict a.png --pipeline nothing": [
        "没有名为 'nothing' 的产线。应为以下之一：semantic_segmentation。",
        "请给出其中之一，",
    ],
    "predict a.png --pipeline pipeline.yaml": [
        "pipeline.yaml 第 3 行：`moed` 不是产线的键。",
        "您是不是想用 `mode`？",
    ],
    "predict a.png --pipeline value.yaml": [
        "value.yaml 第 3 行：`window` 为 'abc'；应为 1 到 65536 之间的整数、",
        "请改正。运行：zoo pipeline schema",
    ],
    "predict a.png --streams 999": ["streams 为 999。应为 1 到 ", "请减少流的数量，"],
    "list-models zzz*": ["没有与 'zzz*' 匹配的模型。", "请运行：zoo list-models"],
    "cache rm nothing": ["缓存中没有 'nothing' 的文件。", "请运行：zoo cache ls"],
    "evaluate starter --data nothing.txt": [
        "列表文件 nothing.txt 不存在。",
        "请给出由“图像 掩码”行组成的",
    ],
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_ordinary_mistakes_are_told_in_chinese_with_their_names(arguments: str, folder: Path) -> None:
    done = CliRunner().invoke(cli, shlex.split(arguments), env={"ZOO_LANG": "zh"})
    assert done.exit_code == 1
    for line, start in zip(done.stderr.splitlines(), MISTAKES[arguments], strict=True):
        assert line.startswith(start)
    # A name, a command, what the system says.
    assert not english_in(re.sub("the file|pip install [a-z-]+|No such file or directory", "", done.stderr))


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
    for english in ("Usage", "Options", "Commands", "default:", "[required"):
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
