"""The official training settings of SeaFormer."""

from __future__ import annotations

from zoo.plugin import AdamW, Augmentation, CrossEntropy, PolynomialDecay, Recipe


def recipe(name: str) -> Recipe:
    """Returns the settings all four models share, whichever is named.

    The official run differs in ways that a Recipe cannot say: it starts from an encoder trained on ImageNet, its batch
    of 8 is that of each card, position embeddings and batch norms have no weight decay, its scale factors come in steps
    of 0.25, each of its changes of colour is made to every second picture only, and there is a fourth one, of the hue
    by up to 18 degrees. A tenfold rate for parameters with "head" in their names is configured too, but none has it.
    """
    return Recipe(
        iterations=160_000,
        batch_size=8,
        crop=(512, 512),
        optimizer=AdamW(beta1=0.9, beta2=0.999, weight_decay=0.01),
        schedule=PolynomialDecay(learning_rate=2.5e-4, power=1.0, warmup_iterations=1500, warmup_start=1e-6),
        losses=(CrossEntropy(),),
        augmentation=Augmentation(scale=(0.5, 2.0), flip=0.5, brightness=0.4, contrast=0.4, saturation=0.4),
        source=f"PaddleSeg configs/seaformer/{name.lower()}_ade20k_512x512_160k.yml",
    )
