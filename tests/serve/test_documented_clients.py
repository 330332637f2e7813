"""The clients printed in the PaddleX tutorial, in front of a real server. Nothing but host and port is changed, except
where a test says what: two of the printed programs cannot work as they are, with whatever server.

Each is skipped where its language or library is not on the machine. npm's axios is looked for where NODE_PATH says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from documented import printed_clients
from PIL import Image
from serving import Serving

STREET = Path(__file__).resolve().parents[2] / "docs" / "street.jpg"
JAVA = Path("/usr/share/java")
HTTPLIB = Path("/usr/include/httplib.h")
NEWTONSOFT = Path("/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll")


@pytest.fixture(scope="module")
def server(zoo_home: object) -> Iterator[Serving]:
    with Serving("starter", "--workers", 1) as running:
        yield running


@pytest.fixture
def clients(server: Serving, shared: Path) -> dict[str, str]:
    return printed_clients(shared / "reference" / "semantic_segmentation_pipeline.en.md", server.port)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Image.open(STREET) as street:
        street.resize((256, 128)).save(tmp_path / "demo.jpg")
    return tmp_path


def needs(program: str, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not on this machine: apt-get install {package}")
    return found


def needs_file(path: Path, package: str) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine: apt-get install {package}")
    return path


def run(command: Sequence[object], folder: Path, **variables: str) -> str:
    """Runs a program in a folder and returns what it says."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def saved(folder: Path, told: str, words: str = "Output image saved at ./out.jpg") -> None:
    """Makes sure that a client said and wrote what it is to."""
    assert words in told
    with Image.open(folder / "out.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (256, 128))
        picture.load()


def test_python(clients: dict[str, str], folder: Path) -> None:
    (folder / "client.py").write_text(clients["python"])
    saved(folder, run([sys.executable, "client.py"], folder))


def test_node(clients: dict[str, str], folder: Path) -> None:
    node = needs("node", "nodejs")
    if subprocess.run([node, "-e", "require('axios')"], capture_output=True, cwd=folder, check=False).returncode:
        pytest.skip("axios is not on this machine: npm install axios, and export NODE_PATH=.../node_modules")
    (folder / "client.js").write_text(clients["js"])
    saved(folder, run([node, "client.js"], folder))


@pytest.mark.full
def test_php(clients: dict[str, str], folder: Path) -> None:
    php = needs("php", "php-cli php-curl")
    if "curl" not in run([php, "-m"], folder):
        pytest.skip("php has no curl on this machine: apt-get install php-curl")
    (folder / "client.php").write_text(clients["php"])
    saved(folder, run([php, "client.php"], folder))


#: Mono's compiler starts no program whose Main returns a task, as .NET does since 2017; this starts it.
_ENTRY = """
using System.Reflection;
using System.Threading.Tasks;
class Entry {
    static void Main(string[] words) {
        var main = typeof(Program).GetMethod("Main", BindingFlags.NonPublic | BindingFlags.Static);
        ((Task)main.Invoke(null, new object[] { words })).GetAwaiter().GetResult();
    }
}
"""


@pytest.mark.full
def test_c_sharp(clients: dict[str, str], folder: Path) -> None:
    compiler, mono = needs("mcs", "mono-mcs libmono-system-net-http4.0-cil"), needs("mono", "mono-runtime")
    library = needs_file(NEWTONSOFT, "libnewtonsoft-json5.0-cil")
    (folder / "Client.cs").write_text(clients["csharp"])
    shutil.copy(library, folder)
    (folder / "Entry.cs").write_text(_ENTRY)
    sources = ["Client.cs", "Entry.cs", "-main:Entry", "-out:Client.exe"]
    run([compiler, "-langversion:latest", "-r:System.Net.Http", f"-r:{library}", *sources], folder)
    saved(folder, run([mono, "Client.exe"], folder))


#: What the client's three includes are, as far as Debian has them; its base64 is one header of somebody else, of which
#: it uses these two functions.
_BASE64 = """
#include <string>
namespace base64 {
inline const std::string& letters() {
    static const std::string all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return all;
}
inline std::string to_base64(const std::string& bytes) {
    std::string text;
    unsigned held = 0;
    int bits = 0;
    for (unsigned char byte : bytes) {
        held = (held << 8 | byte) & 0xffff;
        for (bits += 8; bits >= 6;) text += letters()[held >> (bits -= 6) & 63];
    }
    if (bits) text += letters()[held << (6 - bits) & 63];
    while (text.size() % 4) text += '=';
    return text;
}
inline std::string from_base64(const std::string& text) {
    std::string bytes;
    unsigned held = 0;
    int bits = 0;
    for (char letter : text) {
        if (letter == '=') break;
        held = (held << 6 | letters().find(letter)) & 0xffff;
        if ((bits += 6) >= 8) bytes += static_cast<char>(held >> (bits -= 8) & 255);
    }
    return bytes;
}
}
"""


@pytest.mark.full
def test_cpp_with_its_misspelt_name_corrected(clients: dict[str, str], folder: Path) -> None:
    compiler = needs("g++", "g++")
    header = needs_file(HTTPLIB, "libcpp-httplib-dev")
    needs_file(Path("/usr/include/nlohmann/json.hpp"), "nlohmann-json3-dev")
    source = clients["cpp"]
    # A name that is declared as outputImagePath: no compiler takes the program as it is printed.
    assert source.count("outPutImagePath") == 3
    (folder / "client.cpp").write_text(source.replace("outPutImagePath", "outputImagePath"))
    (folder / "base64.hpp").write_text(_BASE64)
    (folder / "cpp-httplib").mkdir()
    (folder / "cpp-httplib" / "httplib.h").symlink_to(header)
    flags = run([needs("pkg-config", "pkg-config"), "--cflags", "--libs", "cpp-httplib"], folder).split()
    run([compiler, "-std=c++17", "-I.", "client.cpp", "-o", "client", *flags, "-lpthread"], folder)
    saved(folder, run(["./client"], folder))


@pytest.mark.full
def test_go_as_printed_does_not_understand_the_documented_answer(clients: dict[str, str], folder: Path) -> None:
    go = needs("go", "golang-go")
    variables = {"GOCACHE": str(folder / "cache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off", "HOME": str(folder)}
    source = clients["go"]
    # The documented labelMap is a list of numbers, and this one of objects.
    assert source.count("[]map[string]interface{}") == 1
    (folder / "client.go").write_text(source)
    assert "Error unmarshaling response body" in run([go, "run", "client.go"], folder, **variables)
    (folder / "client.go").write_text(source.replace("[]map[string]interface{}", "[]int"))
    saved(folder, run([go, "run", "client.go"], folder, **variables), "Image saved at ./out.jpg.jpg")


@pytest.mark.full
def test_java_with_the_okhttp_of_debian(clients: dict[str, str], folder: Path) -> None:
    compiler, java = needs("javac", "default-jdk-headless"), needs("java", "default-jre-headless")
    needs_file(JAVA / "okhttp.jar", "libokhttp-java")
    needs_file(JAVA / "jackson-databind.jar", "libjackson2-databind-java")
    names = ("okhttp", "okio", "jackson-core", "jackson-databind", "jackson-annotations")
    path = os.pathsep.join([".", *(str(JAVA / f"{name}.jar") for name in names)])
    # The program is for OkHttp 4, in Kotlin; Debian has OkHttp 3, where the same functions are called without Companion
    # and take their arguments the other way round. Nothing else is changed.
    source = clients["java"].replace("MediaType.Companion.get(", "MediaType.get(")
    given, taken = (
        "RequestBody.Companion.create(params.toString(), JSON)",
        "RequestBody.create(JSON, params.toString())",
    )
    source = source.replace(given, taken)
    assert "Companion" not in source
    (folder / "Main.java").write_text(source)
    run([compiler, "-cp", path, "Main.java"], folder)
    saved(folder, run([java, "-cp", path, "Main"], folder))
