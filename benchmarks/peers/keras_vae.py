"""Keras on TensorFlow: the 2020 recipe, written anew from its description, and minifaces' residual networks, so that
both can be run side by side with ours. The commands are those of peer.py.

The recipe: five convolutions each way with batch norm and LeakyReLU, 200 latents, 10000 x mean squared error + KL, Adam
5e-4, batches of 32 (Echevarria, "Face generation with a variational autoencoder", 2020; Kingma and Welling 2014)."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import peer
import tensorflow as tf
from keras import layers

BATCH = 32
RECIPE: peer.Spec = {"kind": "seed", "image_size": 64, "latent_size": 200}
Hidden = keras.KerasTensor


def normed(hidden: Hidden) -> Hidden:
    return layers.LeakyReLU(0.3)(layers.BatchNormalization()(hidden))


def recipe_encoder(hidden: Hidden) -> Hidden:
    for stride in (1, 2, 2, 2, 1):
        hidden = normed(layers.Conv2D(64, 3, stride, padding="same")(hidden))
    return hidden


def recipe_decoder(latent: Hidden) -> Hidden:
    hidden = layers.Reshape((8, 8, 64))(layers.Dense(4096)(latent))
    for filters, stride in ((64, 1), (64, 2), (64, 2), (32, 2)):
        hidden = normed(layers.Conv2DTranspose(filters, 3, stride, padding="same")(hidden))
    return layers.Conv2DTranspose(3, 3, padding="same", activation="sigmoid")(hidden)


def activated(hidden: Hidden) -> Hidden:
    return layers.Activation("silu")(layers.BatchNormalization(epsilon=1e-5)(hidden))


def block(hidden: Hidden) -> Hidden:
    body = hidden
    for _ in range(2):
        body = layers.Conv2D(hidden.shape[-1], 3, padding="same")(activated(body))
    return layers.Add()([hidden, body])


def residual_encoder(hidden: Hidden, spec: peer.Spec) -> Hidden:
    widths, fold = spec["widths"], spec["fold"]
    if fold > 1:
        hidden = layers.Lambda(lambda x: tf.nn.space_to_depth(x, fold))(hidden)
    hidden = layers.Conv2D(widths[0], 3, padding="same")(hidden)
    for level, depth in enumerate(spec["depths"]):
        for _ in range(depth):
            hidden = block(hidden)
        if level + 1 < len(widths):
            hidden = layers.Conv2D(widths[level + 1], 3, 2, padding="same")(hidden)
    return activated(hidden)


def residual_decoder(latent: Hidden, spec: peer.Spec) -> Hidden:
    widths, fold = spec["widths"], spec["fold"]
    grid = spec["image_size"] // fold >> (len(widths) - 1)
    hidden = layers.Reshape((grid, grid, widths[-1]))(layers.Dense(grid * grid * widths[-1])(latent))
    for level in range(len(widths) - 1, -1, -1):
        hidden = block(hidden)
        if level:
            hidden = layers.Conv2D(4 * widths[level - 1], 1)(hidden)
            hidden = layers.Lambda(lambda x: tf.nn.depth_to_space(x, 2))(hidden)
    hidden = layers.Conv2D(3 * fold**2, 3, padding="same")(activated(hidden))
    if fold > 1:
        hidden = layers.Lambda(lambda x: tf.nn.depth_to_space(x, fold))(hidden)
    return layers.Activation("sigmoid")(hidden)


def encoder(spec: peer.Spec) -> keras.Model:
    face = keras.Input((spec["image_size"], spec["image_size"], 3))
    hidden = recipe_encoder(face) if spec["kind"] == "seed" else residual_encoder(face, spec)
    hidden = layers.Flatten()(hidden)
    return keras.Model(face, [layers.Dense(spec["latent_size"])(hidden) for _ in range(2)])


def decoder(spec: peer.Spec) -> keras.Model:
    latent = keras.Input((spec["latent_size"],))
    return keras.Model(latent, recipe_decoder(latent) if spec["kind"] == "seed" else residual_decoder(latent, spec))


class VAE(keras.Model):
    def __init__(self, spec: peer.Spec) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder(spec), decoder(spec)
        self.chance = keras.random.SeedGenerator(0)

    def call(self, faces: Hidden, training: bool = False) -> Hidden:
        mean, log_variance = self.encoder(faces, training=training)
        noise = keras.random.normal(keras.ops.shape(mean), seed=self.chance)
        kl = -0.5 * keras.ops.sum(1 + log_variance - mean**2 - keras.ops.exp(log_variance), 1)
        self.add_loss(keras.ops.mean(kl))
        return self.decoder(mean + keras.ops.exp(log_variance / 2) * noise, training=training)


def compiled(spec: peer.Spec) -> VAE:
    model = VAE(spec)
    # XLA, which Keras would choose itself, takes a third longer a step on these processors.
    model.compile(
        keras.optimizers.Adam(5e-4), lambda true, made: 1e4 * keras.ops.mean((true - made) ** 2), jit_compile=False
    )
    return model


class Watched(keras.callbacks.Callback):
    """Ends the training when its time is over; what is made of unseen faces is kept now and then."""

    def __init__(self, watch: peer.Watch) -> None:
        super().__init__()
        self.watch = watch

    def on_epoch_end(self, epoch: int, _: object = None) -> None:
        def made(faces: np.ndarray) -> np.ndarray:
            return self.model.decoder.predict(self.model.encoder.predict(faces, verbose=0)[0], verbose=0)

        self.model.stop_training = self.watch.passed(epoch + 1, made)


def train(faces: np.ndarray, watch: peer.Watch) -> None:
    keras.utils.set_random_seed(0)
    compiled(RECIPE).fit(faces, faces, BATCH, epochs=10_000, verbose=0, callbacks=[Watched(watch)])


def works(spec: peer.Spec) -> peer.Works:
    model, (pictures, latents) = compiled(spec), peer.rows(spec)
    learnt = pictures[:BATCH]
    found: peer.Works = {"train": (BATCH, lambda: model.train_on_batch(learnt, learnt))}
    found["train"][1]()  # builds it
    for what, net, given in (("encode", model.encoder, pictures), ("decode", model.decoder, latents)):
        graph = tf.function(lambda rows, net=net: net(rows, training=False))
        for count in (1, 64):
            few = given[:count]
            found[f"{what} {count}, predict"] = (count, lambda net=net, few=few: net.predict(few, 64, verbose=0))
            found[f"{what} {count}, graph"] = (count, lambda graph=graph, few=few: np.asarray(graph(few)[0]))
    return found


def once() -> None:
    decoder(RECIPE).predict(np.zeros((1, RECIPE["latent_size"]), np.float32), verbose=0)


if __name__ == "__main__":
    peer.main(train, works, once, f"Keras {keras.__version__} on TensorFlow {tf.__version__}")
