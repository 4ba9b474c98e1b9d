"""Progress: bars on a terminal, lines everywhere, nothing when it is turned off."""

import io
import sys

import pytest

from onelist_train.progress import Progress


class Stream(io.StringIO):
    """A stream that claims to be a terminal, or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("shown", [True, False])
def test_bars_need_a_terminal_and_lines_do_not(monkeypatch: pytest.MonkeyPatch, terminal: bool, shown: bool) -> None:
    stream = Stream(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    progress = Progress(shown)
    with progress.bar("epoch 1", 3) as bar:
        bar.set_postfix_str("loss 0.5", refresh=False)
        bar.update(3)
    assert ("epoch 1" in stream.getvalue()) == (terminal and shown)
    progress.line("epoch 1/1: done")
    assert stream.getvalue().endswith("epoch 1/1: done\n") == shown
    assert terminal or stream.getvalue() == "epoch 1/1: done\n" * shown
