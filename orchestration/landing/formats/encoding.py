"""In which encoding a text is, and the text as UTF-8 whatever it was."""

import codecs
import re
from collections.abc import Iterator

from orchestration.engine.errors import CardwatchError
from orchestration.landing.formats.content import SAMPLE, Content

# How many bytes are decoded at a time.
BLOCK = 8_000_000
# Bytes of lines beyond ASCII that are enough to tell the encoding by.
_SCANNED = 8_000_000

_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}

# Bytes that are the same letter or sign in Windows' western and central European code pages, and
# the pound sign where no letter stands beside it. Only of these a text is read as CP1252 unasked.
_WESTERN = re.compile(
    rb"(?:[\x00-\x7f\x80\x82\x84-\x87\x89\x8b\x91-\x97\x99\x9b\xa0\xa7\xa9\xab-\xae\xb0\xb1\xb4-\xb7"
    rb"\xbb\xc1\xc2\xc4\xc7\xc9\xcb\xcd\xce\xd3\xd4\xd6\xda\xdc\xdd\xdf\xe1\xe2\xe4\xe7\xe9\xeb\xed"
    rb"\xee\xf3\xf4\xf6\xfa\xfc\xfd]|(?<![A-Za-z\x80-\xff])\xa3(?![A-Za-z\x80-\xff]))*"
)
_NOT_ASCII = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Stand-ins for bytes that cannot be decoded, which no UTF-8 text can hold."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("cardwatch_mark", _mark)


def encoding_of(content: Content, declared: str | None = None) -> str:
    """The encoding of a text: as declared, by its mark, or by its bytes where they leave no doubt.

    Where they do leave one it is UTF-8, in which each line that cannot be read says so.
    """
    start = content.sample(4)
    marked = next((name for mark, name in _BOMS.items() if start.startswith(mark)), None)
    if declared is None:
        return marked or _utf_16(content.sample(SAMPLE)) or _by_bytes(content)
    try:
        name = codecs.lookup(declared).name
    except LookupError as error:
        raise CardwatchError(
            f"the format setting encoding is {declared!r}, which Python does not know; "
            "use a name such as utf-8, cp949 or cp1252"
        ) from error
    if name in ("utf-16", "utf-32", "utf-8-sig"):
        return marked or {"utf-8-sig": "utf-8"}.get(name, f"{name}-le")
    return name


def utf8_blocks(content: Content, encoding: str, block: int | None = None) -> Iterator[bytes]:
    """The text as UTF-8 in blocks, without the mark at its beginning.

    Bytes that could not be decoded are no UTF-8 in it either, so they cost their own line.
    """
    block = block or BLOCK
    with content.open() as stream:
        first = True
        if encoding == "utf-8":
            while read := stream.read(max(block, 4)):
                yield read.removeprefix(codecs.BOM_UTF8) if first else read
                first = False
            return
        decoder = codecs.getincrementaldecoder(encoding)("cardwatch_mark")
        at_end = False
        while not at_end:
            read = stream.read(block)
            at_end = not read
            text = decoder.decode(read, at_end)
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            if text:
                yield text.encode("utf-8", "surrogatepass")


def printable(raw: bytes) -> str:
    """A line of `utf8_blocks` for people to read; what could not be decoded is in figures."""
    try:
        text = raw.decode("utf-8", "surrogatepass")
        return re.sub("[\ud800-\udfff]", lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace")


def undecodable(encoding: str) -> str:
    """The reason why a line with bytes that the encoding does not have is no row."""
    name = "UTF-8" if encoding == "utf-8" else encoding
    return f"not {name} text (format.encoding in the source's yml names another)"


def _utf_16(sample: bytes) -> str | None:
    """UTF-16 without a mark shows in zeros, all in the same half of each pair of bytes."""
    pairs = sample[: len(sample) // 2 * 2]
    even, odd = pairs[0::2].count(0), pairs[1::2].count(0)
    if min(even, odd) or max(even, odd) * 5 < len(pairs) // 2:
        return None
    name = "utf-16-le" if odd else "utf-16-be"
    try:
        codecs.getincrementaldecoder(name)().decode(pairs)
    except UnicodeDecodeError:
        return None
    return name


def _by_bytes(content: Content) -> str:
    """UTF-8, CP949 or CP1252, by all lines of the text that are not ASCII."""
    utf8 = codecs.getincrementaldecoder("utf-8")()
    is_utf8 = True
    lines: list[bytes] = []
    size = 0
    with content.open() as stream:
        while size < _SCANNED and (block := stream.read(_SCANNED)):
            if is_utf8:
                try:
                    utf8.decode(block)
                except UnicodeDecodeError:
                    is_utf8 = False
            if not is_utf8:
                lines += _NOT_ASCII.findall(block)
                size = sum(map(len, lines))
    if is_utf8:
        return "utf-8"
    if _are_korean(lines):
        return "cp949"
    # Where some lines are UTF-8 all are meant to be: a western text hardly looks so by chance.
    if any(_is_text(line, "utf-8") for line in lines):
        return "utf-8"
    return "cp1252" if all(_WESTERN.fullmatch(line) for line in lines) else "utf-8"


def _is_text(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _are_korean(lines: list[bytes]) -> bool:
    """Whether nearly all lines are CP949 and nearly all their letters beyond ASCII common Hangul.

    Western and Chinese texts decode as well, but to rare syllables and to Hanja.
    """
    readable = [line.decode("cp949") for line in lines if _is_text(line, "cp949")]
    letters = [each for line in readable for each in line if each > "\x7f" and each.isalpha()]
    common = sum("가" <= each <= "힣" and len(each.encode("euc_kr")) == 2 for each in letters)
    return 0 < len(letters) * 0.95 <= common and len(readable) >= len(lines) * 0.98
