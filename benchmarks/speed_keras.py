"""The networks of the job in Keras 3, channels last."""

import keras
import speed_job as job
from keras import layers


def network(family: str, data: job.Data) -> keras.Model:
    """Inputs [B, length, channels] or [B, height, width, channels]."""
    shape = (*data.train.shape[2:], data.train.shape[1])
    inputs = keras.Input(shape)
    return keras.Model(inputs, _BODIES[family](inputs, data))


def _linear(x, data):
    return layers.Dense(10)(layers.Flatten()(x))


def _mlp(x, data):
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dense(100, activation="relu")(x)
    return layers.Dense(10)(x)


def _cnn(x, data):
    if data.name == "mnist1d":
        for kernel in (5, 3, 3):
            x = layers.Conv1D(25, kernel, strides=2, activation="relu")(layers.ZeroPadding1D(1)(x))
    else:
        for channels in (16, 32):
            x = layers.MaxPooling2D(2)(layers.Conv2D(channels, 3, padding="same", activation="relu")(x))
    return layers.Dense(10)(layers.Flatten()(x))


def _gru(x, data):
    return layers.Dense(10)(layers.GRU(job.HIDDEN)(layers.Reshape((data.steps, data.channels))(x)))


class _Positions(layers.Layer):
    def build(self, shape) -> None:
        self.positions = self.add_weight(
            shape=shape[1:], initializer=keras.initializers.RandomNormal(stddev=0.02), name="positions"
        )

    def call(self, x):
        return x + self.positions


def _transformer(x, data):
    x = _Positions()(layers.Dense(job.WIDTH)(layers.Reshape((data.steps, data.channels))(x)))
    for _ in range(job.LAYERS):
        normed = layers.LayerNormalization(epsilon=1e-5)(x)
        x = x + layers.MultiHeadAttention(job.HEADS, job.WIDTH // job.HEADS)(normed, normed)
        hidden = layers.Dense(job.UNITS, activation="relu")(layers.LayerNormalization(epsilon=1e-5)(x))
        x = x + layers.Dense(job.WIDTH)(hidden)
    return layers.Dense(10)(layers.GlobalAveragePooling1D()(x))


_BODIES = {"linear": _linear, "mlp": _mlp, "cnn": _cnn, "gru": _gru, "transformer": _transformer}
