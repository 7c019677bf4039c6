"""Slopes that are known to miss the prediction, by case, tensor and quantity, each with its cause."""

NECK = "autoencoder, neck n^1/2, Adam"
FIXED, ADAPTERS = "gpt, fixed heads, Adam", "gpt, adapters (LoRA), Adam"
COHERENT = "the readout's own rows carry n^-1/4 of a change that came through n^1/2 units, not all of it"
SLOW = "an aligned part beside a larger independent one that is n^-1/2 smaller in the end: see the plateau"
HIDDEN = "the aligned part comes back through B and A: smaller than the independent one up to n = 1000"
EXCEPTIONS: dict[tuple[str, str, str], str] = {
    (f"{NECK}, step 1", "decoder.output", "propagating"): COHERENT,
    (f"{NECK}, step 1", "decoder.output", "change"): COHERENT,
    (ADAPTERS, "*.A", "propagating"): HIDDEN,
    (FIXED, "blocks.attention.scores", "change"): SLOW,
}
