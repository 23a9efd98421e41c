"""Callbacks are told of a run's events, and one that raises does not end the run."""

import pytest

from deap_lossgp.search.callbacks import Callback, CallbackList, TensorBoard
from deap_lossgp.training.results import TrainingResult

RESULT = TrainingResult("digits", 10, "ok", 0.2, 0.9, 0.3, 1.5)


class Recorder(Callback):
    def __init__(self):
        self.told = []

    def on_training(self, result, expression):
        self.told.append((result, expression))

    def on_generation(self, record):
        self.told.append(record)


class Failing(Recorder):
    def on_generation(self, record):
        super().on_generation(record)
        raise RuntimeError("no\nnetwork")


def test_each_callback_is_told_of_what_it_listens_to():
    first, second = Recorder(), Recorder()
    callbacks = CallbackList([first, second])
    callbacks.on_training(RESULT, "y_pred")
    callbacks.on_generation({"gen": 0})
    callbacks.on_end("result")
    assert first.told == second.told == [(RESULT, "y_pred"), {"gen": 0}]


def test_any_object_with_one_of_the_methods_is_a_callback():
    class OnlyTheEnd:
        def on_end(self, result):
            self.result = result

    callback = OnlyTheEnd()
    for given in ([callback], callback):
        callbacks = CallbackList(given)
        callbacks.on_generation({"gen": 0})
        callbacks.on_end(given)
        assert callback.result is given


def test_a_callback_that_raises_is_reported_once_and_told_on():
    lines, failing, after = [], Failing(), Recorder()
    callbacks = CallbackList([failing, after], lines.append)
    for gen in range(3):
        callbacks.on_generation({"gen": gen})
    assert lines == ["Warning: Failing.on_generation raised RuntimeError: no network: the run goes "
                     "on without it"]
    assert len(failing.told) == len(after.told) == 3


def test_each_of_two_that_raise_is_reported(capsys):
    CallbackList([Failing(), Failing()]).on_generation({"gen": 0})
    assert capsys.readouterr().err.count("Failing.on_generation raised") == 2


def test_an_interrupt_is_no_failure():
    class Interrupted(Callback):
        def on_generation(self, record):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CallbackList([Interrupted()]).on_generation({})


def test_tensorboard_gets_curves_accuracies_and_the_best_loss(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c  # noqa: F401  (the format's own check)

    class Result:
        best = "neg(y_pred)"

    board = TensorBoard(tmp_path / "board")
    board.on_training(RESULT, "y_pred")
    board.on_training(RESULT, "y_pred")
    board.on_generation({"gen": 3, "nevals": 4, "wins_avg": 0.5, "improvement_max": float("nan")})
    board.on_end(Result)
    (file,) = (tmp_path / "board").iterdir()
    content, events = file.read_bytes(), []
    while content:
        length = int.from_bytes(content[:8], "little")
        events.append(Event.FromString(content[12: 12 + length]))
        content = content[16 + length:]
    scalars = {(value.tag, event.step): value.simple_value
               for event in events for value in event.summary.value if value.simple_value}
    assert scalars == {
        ("accuracy/digits", 1): pytest.approx(0.9), ("accuracy/digits", 2): pytest.approx(0.9),
        ("seconds/digits", 1): 1.5, ("seconds/digits", 2): 1.5, ("generation/nevals", 3): 4.0,
        ("wins/avg", 3): 0.5,
    }
    texts = [value.tensor.string_val for event in events for value in event.summary.value
             if value.tensor.string_val]
    assert texts == [[b"neg(y_pred)"]]
