"""A conversation in the terminal, or with lines from a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.serving.answering import Answerer
from lynx.serving.conversation import Conversation
from lynx.serving.rows import DEFAULT_ROW, decoding_of
from lynx.serving.vision import Vision, see

HELP = """\
  /image PATH       talk about a picture (begins a new conversation)
  /video PATH       talk about a video (begins a new conversation)
  /new              begin a new conversation about the same picture
  /row NAME [K=V]   decode by another row of Table 9: /row demo num_beams=1
  /seed N           seed of rows that sample
  /describe on|off  let the model describe the picture before the first answer
  /help, /quit"""
_IMAGE, _VIDEO, _NEW, _ROW = "/image", "/video", "/new", "/row"
_SEED, _DESCRIBE, _HELP, _QUIT = "/seed", "/describe", "/help", "/quit"
_COMMANDS = (_IMAGE, _VIDEO, _NEW, _ROW, _SEED, _DESCRIBE, _HELP, _QUIT)


@dataclass
class Chat:
    """What is said in the terminal; a mistake is told and ends nothing, unless `strict`.

    strict: for lines that nobody is there to mend, which a mistake would make to be about
    something else; it is a LynxError with the line's number.
    """

    answerer: Answerer
    say: Callable[[str], None]
    row: str = DEFAULT_ROW
    seed: int = 0
    describe_first: bool = False
    strict: bool = False
    conversation: Conversation = field(default_factory=Conversation)

    def run(self, lines: Iterable[str]) -> None:
        """Answer each line until they end or one is /quit."""
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if text.split()[:1] == [_QUIT]:
                return
            try:
                if not _is_text(text):
                    raise LynxError("a line is not UTF-8, and was not read")
                self._obey(text) if text.startswith("/") else self._answer(text)
            except (LynxError, RuntimeError) as error:  # PyTorch's, such as no memory left
                if self.strict:
                    raise LynxError(f"line {number}: {error}") from error
                self.say(f"error: {error}")

    def show(self, path: str, *, kind: str) -> None:
        """Begin a conversation about a picture (`image`) or a `video`.

        Where it can't be read nothing is shown any more, lest an answer be about the one before.
        """
        if not path:
            raise LynxError(f"/{kind}: name a file after it")
        self.conversation = Conversation()
        num_frames = self.answerer.num_frames
        try:
            vision = see(path, num_frames=num_frames, kind="image" if kind == "image" else "video")
        except LynxError as error:
            raise LynxError(f"{error}{_other_kind(path, kind)}; nothing is shown now") from error
        self.conversation = Conversation(vision)
        self.say(f"[{_shown(vision, kind)}: {path}]")

    def _answer(self, text: str) -> None:
        if not text:
            return
        self.conversation, answer = self.conversation.ask(
            self.answerer,
            text,
            row=self.row,
            seed=self.seed,
            describe_first=self.describe_first,
        )
        if answer.description is not None:
            self.say("[description: {1}]".format(*answer.description))
        self.say(f"bot: {answer.text}")

    def _obey(self, text: str) -> None:
        command, _, value = text.partition(" ")
        value = value.strip()
        if command in (_IMAGE, _VIDEO):
            self.show(_unquoted(value), kind=command[1:])
        elif command == _NEW:
            self.conversation = Conversation(self.conversation.vision)
            self.say("[new conversation]")
        elif command == _ROW:
            settings = decoding_of(self.answerer.rows, value)
            self.row = value or DEFAULT_ROW
            self.say("[" + ", ".join(f"{key} {value}" for key, value in settings.items()) + "]")
        elif command == _SEED:
            if not value.isdecimal():
                raise LynxError(f"/seed: '{value}' is not a whole number from 0")
            self.seed = int(value)
        elif command == _DESCRIBE:
            if value not in ("on", "off"):
                raise LynxError(f"/describe: '{value}' is neither on nor off")
            self.describe_first = value == "on"
        elif command == _HELP:
            self.say(HELP)
        else:
            raise LynxError(f"no command {command}{nearest_hint(command, _COMMANDS)}; /help")


def _shown(vision: Vision, kind: str) -> str:
    if kind == "image":
        return "picture"
    number = len(vision.frames)
    return f"video, {number} frame{'s' if number > 1 else ''}"


def _other_kind(path: str, kind: str) -> str:
    """What to do about a file that is a video where a picture was wanted."""
    if kind == "video":
        return ""
    try:
        see(path, num_frames=1, kind="video")
    except LynxError:
        return ""
    return "; it is a video: use /video"


def _unquoted(path: str) -> str:
    """Without the quotes that a shell would take away."""
    is_quoted = len(path) > 1 and path[0] == path[-1] and path[0] in "'\""
    return path[1:-1] if is_quoted else path


def _is_text(line: str) -> bool:
    """Whether a line is free of the surrogates that stand for bytes which aren't UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in line)
