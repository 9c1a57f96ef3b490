"""Makes the parity fixtures of shared/clip for SigLIP 2: a tiny model of a fixed resolution with fixed random weights, and what transformers makes of
texts and of the photograph that clip.py keeps. texts.py has made the vocabulary."""
import argparse
import pathlib

import numpy
import torch
from PIL import Image
from tokenizers import Tokenizer, normalizers
from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

import parity

SIDE = 64
CONTEXT = 64
TEXTS = [
    "a photo of a cat",
    "A photo of a DOG.",
    "two people walking across the street",
    "ein Foto einer Katze, ΦΩΤΟΓΡΑΦΙΑ μιας γάτας",
    "   spaces\tand\nlines   ",
    "夕暮れの海、誰もいない部屋 🎬",
    "x" * 400,
    "",
    "<eos> in the middle <pad>",
    "12345 6.78",
]


class Tower(torch.nn.Module):
    """A half of the model as published exports have it: the hidden states, and the vector that is pooled from them."""

    def __init__(self, body, key):
        super().__init__()
        self.body, self.key = body, key

    def forward(self, given):
        result = self.body(**{self.key: given})
        return result.last_hidden_state, result.pooler_output


def export(module, example, path, name):
    """As parity.export, with the two outputs of a published export."""
    outputs = ["last_hidden_state", "pooler_output"]
    torch.onnx.export(
        module, (example,), str(path), input_names=[name], output_names=outputs,
        dynamic_axes={each: {0: "batch"} for each in [name, *outputs]}, opset_version=parity.OPSET, dynamo=False,
    )
    parity.check(module, example, path, name)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=pathlib.Path)
    folder = arguments.parse_args().folder

    encode = Tokenizer.from_file(str(folder / "siglip-tokenizer.json"))
    encode.normalizer = normalizers.Sequence([normalizers.Lowercase(), encode.normalizer])
    encode.enable_truncation(CONTEXT)
    encode.enable_padding(length=CONTEXT, pad_id=0, pad_token="<pad>")
    ids = [encode.encode(text).ids for text in TEXTS]

    picture = Image.open(folder / "cat.png").convert("RGB")
    turned = picture.rotate(90, expand=True)
    small = picture.resize((40, 30))

    def pixels(image, side):
        process = SiglipImageProcessor(
            size={"height": side, "width": side}, resample=Image.Resampling.BILINEAR, image_mean=[0.5] * 3, image_std=[0.5] * 3
        )
        return process(images=image, return_tensors="np")["pixel_values"][0]

    levels = numpy.rint((pixels(picture, 224) * 0.5 + 0.5) * 255).astype(numpy.uint8)
    parity.write_array(folder / "cat_siglip_224.u8", levels)

    tower = dict(hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4)
    config = SiglipConfig(
        text_config=dict(tower, vocab_size=encode.get_vocab_size(), max_position_embeddings=CONTEXT, projection_size=48),
        vision_config=dict(tower, image_size=SIDE, patch_size=16),
    )
    model = parity.random_weights(SiglipModel(config), seed=21)
    given_text = torch.tensor(ids)
    given_image = torch.tensor(numpy.stack([pixels(image, SIDE) for image in (picture, turned, small)]))
    export(Tower(model.text_model, "input_ids"), given_text, folder / "siglip-text.onnx", "input_ids")
    export(Tower(model.vision_model, "pixel_values"), given_image, folder / "siglip-image.onnx", "pixel_values")

    with torch.no_grad():
        model.logit_scale.fill_(4.7244534)
        model.logit_bias.fill_(-16.771725)
        result = model(input_ids=given_text, pixel_values=given_image)
    cosine = (result.image_embeds @ result.text_embeds.T).numpy()
    probabilities = torch.sigmoid(result.logits_per_image).numpy()
    rows = lambda table: [[float(f"{value:.7g}") for value in row] for row in table]
    parity.write_json(
        folder / "siglip.json",
        {
            "texts": TEXTS,
            "ids": ids,
            "small": numpy.asarray(small).reshape(-1).tolist(),
            "cosine": rows(cosine),
            "probabilities": rows(probabilities),
        },
    )
    print("cosine between", cosine.min(), "and", cosine.max())


if __name__ == "__main__":
    main()
