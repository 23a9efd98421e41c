"""Networks: what a name or a user's function builds, and what is refused."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from deap_lossgp.training.networks import (  # noqa: E402
    NETWORKS,
    build_network,
    inception_v3,
    load_network,
    resnet8,
    small_cnn,
)

CHEAP = (small_cnn, resnet8)


def images(shape, count=3):
    return np.random.default_rng(1).random((count, *shape), dtype=np.float32)


def message_of(function, *args, **kwargs):
    with pytest.raises(ValueError) as caught:
        function(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def policy():
    """Sets a dtype policy for one test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


# the networks


@pytest.mark.parametrize("network", CHEAP)
@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 8, 1), (28, 28, 1), (32, 32, 3), (96, 96, 3),
                                   (9, 20, 2)])
def test_a_network_gives_probabilities_for_every_image_size(network, shape):
    model = build_network(network, shape, 7)
    predictions = np.asarray(model(images(shape)))
    assert model.input_shape == (None, *shape)
    assert model.output_shape == (None, 7)
    assert predictions.dtype == np.float32
    np.testing.assert_allclose(predictions.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("network", CHEAP)
def test_a_network_is_not_compiled(network):
    assert not network(input_shape=(8, 8, 1), num_classes=2).compiled


@pytest.mark.parametrize("network", CHEAP)
@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16"])
def test_probabilities_are_float32_under_mixed_precision(policy, network, name):
    policy(name)
    model = build_network(network, (8, 8, 1), 10)
    assert model.layers[1].compute_dtype == name.removeprefix("mixed_")
    assert model.output.dtype == "float32"
    assert np.asarray(model(images((8, 8, 1)))).dtype == np.float32


def test_small_cnn_counts_its_weights_by_hand():
    convolutions = (25 * 1 * 16 + 16) + (9 * 16 * 32 + 32)
    # 28 pixels become 10 and 5.
    dense = (5 * 5 * 32 * 64 + 64) + (64 * 10 + 10)
    assert small_cnn((28, 28, 1), 10).count_params() == convolutions + dense


def test_resnet8_has_the_published_weights_for_cifar10():
    # Convolutions with bias, four figures for each filter of a batch normalisation.
    def convolution(size, channels, filters):
        return size * size * channels * filters + filters

    weights = convolution(3, 3, 16) + 4 * 16
    for channels, filters in ((16, 16), (16, 32), (32, 64)):
        weights += convolution(3, channels, filters) + convolution(3, filters, filters)
        weights += 2 * 4 * filters
        weights += convolution(1, channels, filters) if channels != filters else 0
    weights += 64 * 10 + 10
    model = resnet8((32, 32, 3), 10)
    assert model.count_params() == weights == 78_666


def test_resnet8_adds_its_shortcuts():
    model = resnet8((8, 8, 1), 3)
    assert sum(isinstance(layer, keras.layers.Add) for layer in model.layers) == 3


@pytest.mark.parametrize("network", CHEAP)
def test_a_network_learns_digits(network):
    from deap_lossgp.data.datasets import load_dataset

    digits = load_dataset("digits")
    keras.utils.set_random_seed(0)
    model = build_network(network, digits.input_shape, digits.num_classes)
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    x_train, x_test = (x * np.float32(digits.scale) for x in (digits.x_train, digits.x_test))
    model.fit(x_train, digits.y_train, batch_size=64, epochs=4, verbose=0)
    assert model.evaluate(x_test, digits.y_test, verbose=0)[1] > 0.8


@pytest.mark.parametrize(
    ("side", "enlarged"), [(4, 256), (8, 256), (28, 224), (32, 256), (96, 192), (150, 150)]
)
def test_inception_v3_enlarges_images_by_doublings_up_to_its_own_size(monkeypatch, side, enlarged):
    # The base network takes seconds to build, and its own size rule is Keras's.
    seen = []

    def base(include_top, weights, input_shape, pooling):
        seen.append((include_top, weights, input_shape, pooling))
        return keras.layers.GlobalMaxPooling2D()

    monkeypatch.setattr(keras.applications, "InceptionV3", base)
    model = inception_v3((side, side, 1), 10)
    assert seen == [(False, None, (enlarged, enlarged, 3), "max")]
    doublings = [layer for layer in model.layers if isinstance(layer, keras.layers.UpSampling2D)]
    assert side * 2 ** len(doublings) == enlarged


@pytest.mark.parametrize("channels", [1, 3])
def test_inception_v3_gets_what_its_preprocess_input_makes_of_the_pixels(monkeypatch, channels):
    monkeypatch.setattr(
        keras.applications, "InceptionV3", lambda **kwargs: keras.layers.GlobalMaxPooling2D()
    )
    model = inception_v3((150, 150, channels), 10)
    rescaled = next(x for x in model.layers if isinstance(x, keras.layers.Rescaling)).output
    x = images((150, 150, channels), count=1)
    pixels = 255 * np.broadcast_to(x, (1, 150, 150, 3))
    expected = keras.applications.inception_v3.preprocess_input(pixels.copy())
    got = np.asarray(keras.Model(model.input, rescaled)(x))
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_inception_v3_is_the_whole_network_with_the_published_head():
    model = build_network("inception_v3", (28, 28, 1), 10)
    base = keras.applications.InceptionV3(include_top=False, weights=None)
    head = 4 * 2048 + (2048 * 128 + 128) + 4 * 128 + (128 * 64 + 64) + 4 * 64 + (64 * 10 + 10)
    assert model.count_params() == base.count_params() + head
    kinds = [type(layer).__name__ for layer in model.layers[-8:]]
    assert kinds == [
        "BatchNormalization", "Dense", "Dropout", "BatchNormalization", "Dense", "Dropout",
        "BatchNormalization", "Dense",
    ]


# names


@pytest.mark.parametrize("name", NETWORKS)
def test_a_name_gives_the_function_of_that_name(name):
    assert load_network(name).__name__ == name


def test_an_unknown_name_gets_the_nearest_one():
    assert message_of(load_network, "resnet18") == (
        "unknown network 'resnet18': did you mean 'resnet8'? "
        "known: inception_v3, resnet8, small_cnn; or give module:function"
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a module of the user's; sys.path is restored afterwards."""
    import sys

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    (tmp_path / "users_networks.py").write_text(
        "import keras\n"
        "WIDTH = 3\n"
        "def tiny(input_shape, num_classes):\n"
        "    layers = keras.layers\n"
        "    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(),\n"
        "                             layers.Dense(num_classes, activation='softmax')])\n"
    )
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("users_"):
            del sys.modules[name]


def test_a_function_in_the_working_directory_is_found(folder):
    model = build_network("users_networks:tiny", (8, 8, 1), 10)
    assert model.count_params() == 64 * 10 + 10


def test_a_misspelt_function_gets_the_nearest_one_and_the_file(folder):
    assert message_of(load_network, "users_networks:tny") == (
        f"unknown function in {folder / 'users_networks.py'} 'tny': did you mean 'tiny'? "
        "known: tiny"
    )


def test_what_is_no_function_is_refused(folder):
    assert message_of(load_network, "users_networks:WIDTH") == (
        "network 'users_networks:WIDTH': 'WIDTH' is no function, it is int"
    )


def test_a_missing_module_is_named_with_where_it_was_looked_for(folder):
    message = message_of(load_network, "users_netwrks:tiny")
    assert message == (
        "network 'users_netwrks:tiny': module 'users_netwrks' cannot be imported "
        "(ModuleNotFoundError: No module named 'users_netwrks'); "
        f"looked in {folder} and where Python finds packages"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def f(:\n", "(SyntaxError: invalid syntax (users_broken.py, line 1))"),
        ("1 / 0\n", "(ZeroDivisionError: division by zero)"),
        ("import no_such_package\n", "No module named 'no_such_package'"),
    ],
)
def test_a_module_that_fails_on_import_says_why(folder, text, reason):
    (folder / "users_broken.py").write_text(text)
    assert reason in message_of(load_network, "users_broken:f")


@pytest.mark.parametrize("name", [":tiny", "users_networks:", ":"])
def test_a_name_without_module_or_function_is_refused(name):
    message = message_of(load_network, name)
    assert message == f"network {name!r}: expected module:function, both named"


# what a user's function may return


def dense(num_classes, activation, shape=(4, 4, 1)):
    return keras.Sequential([
        keras.Input(shape), keras.layers.Flatten(),
        keras.layers.Dense(num_classes, activation=activation),
    ])


class Subclassed(keras.Model):
    def __init__(self, num_classes):
        super().__init__()
        self.dense = keras.layers.Dense(num_classes, activation="softmax")

    def call(self, x, training=None):
        return self.dense(keras.ops.reshape(x, (-1, 16)))


@pytest.mark.parametrize(
    "make",
    [
        lambda input_shape, num_classes: dense(num_classes, "softmax"),
        lambda input_shape, num_classes: Subclassed(num_classes),
        lambda *, num_classes, input_shape, width=3: dense(num_classes, "softmax"),
        lambda **options: dense(options["num_classes"], "softmax"),
    ],
)
def test_any_keras_model_that_ends_in_softmax_is_accepted(make):
    assert isinstance(build_network(make, (4, 4, 1), 3), keras.Model)


@pytest.mark.parametrize(
    ("activation", "came"),
    [(None, "sum to"), ("sigmoid", "sum to"), ("tanh", "sum to"), ("log_softmax", "-")],
)
def test_a_model_that_does_not_end_in_softmax_is_refused(activation, came):
    def network(input_shape, num_classes):
        return dense(num_classes, activation)

    message = message_of(build_network, network, (4, 4, 1), 10)
    assert message.startswith("network 'network' must end in softmax: for 2 random images its ")
    assert came in message
    assert message.endswith("expected probabilities that sum to 1")


def test_a_model_whose_weights_are_nan_is_refused():
    def network(input_shape, num_classes):
        model = dense(num_classes, "softmax")
        model.set_weights([np.full_like(weights, np.nan) for weights in model.get_weights()])
        return model

    assert "outputs are nan..nan" in message_of(build_network, network, (4, 4, 1), 10)


def two_outputs(input_shape, num_classes):
    x = keras.Input(input_shape)
    y = keras.layers.Dense(num_classes, activation="softmax")(keras.layers.Flatten()(x))
    return keras.Model(x, [y, y])


def map_of_outputs(input_shape, num_classes):
    x = keras.Input(input_shape)
    return keras.Model(x, keras.layers.Dense(num_classes, activation="softmax")(x))


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (lambda input_shape, num_classes: dense(7, "softmax"),
         "must return probabilities of shape (n, num_classes) = (2, 10) for 2 images, got (2, 7)"),
        (two_outputs, "got (2, 2, 10)"),
        (map_of_outputs, "got (2, 4, 4, 10)"),
        (lambda input_shape, num_classes: None, "must return a keras.Model, got NoneType"),
        (lambda input_shape, num_classes: keras.layers.Dense(3),
         "must return a keras.Model, got Dense"),
        (lambda input_shape, num_classes: dense(num_classes, "softmax", (5, 5, 1)),
         "cannot predict from images (n, h, w, c) = (2, 4, 4, 1) (ValueError: "),
        (lambda shape, classes: None, "cannot be built for images (h, w, c) = (4, 4, 1) and 10 "
         "classes (TypeError: "),
        (lambda input_shape, num_classes: 1 / 0, "(ZeroDivisionError: division by zero)"),
    ],
)
def test_what_is_no_classifier_is_refused_with_what_was_expected(network, expected):
    message = message_of(build_network, network, (4, 4, 1), 10)
    assert message.startswith("network '")
    assert expected in message


@pytest.mark.parametrize("network", [None, 3, ["small_cnn"]])
def test_a_network_must_be_a_name_or_a_function(network):
    assert message_of(build_network, network, (4, 4, 1), 10) == (
        f"network: expected a name or a function, got {network!r}"
    )


def test_the_seed_of_keras_decides_the_weights():
    def weights(seed):
        keras.utils.set_random_seed(seed)
        return build_network("small_cnn", (8, 8, 1), 10).get_weights()[0]

    np.testing.assert_array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


@pytest.mark.parametrize(("scale", "inside", "warns"), [
    (1 / 255, False, True), (1 / 127.5, False, True), (1 / 255, True, True), (2.0, False, False)])
def test_a_network_that_divides_pixels_again_is_mentioned(scale, inside, warns, recwarn):
    def mine(input_shape, num_classes):
        first = keras.layers.Rescaling(scale)
        if inside:
            first = keras.Sequential([keras.Input(input_shape), first])
        return keras.Sequential([keras.Input(input_shape), first, keras.layers.Flatten(),
                                 keras.layers.Dense(num_classes, activation="softmax")])

    build_network(mine, (8, 8, 1), 3)
    assert [str(warning.message) for warning in recwarn.list] == [
        "network 'mine' has a Rescaling layer for pixels in 0..255, but it gets pixels in [0, 1]"
    ] * warns
