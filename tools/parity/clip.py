"""Makes the parity fixtures of shared/clip: a tiny CLIP with fixed random weights, and what transformers makes of texts and a photograph."""
import argparse
import pathlib
import shutil

import numpy
import torch
from PIL import Image
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer

import parity
from texts import clip_vocabulary

SIDE = 64
CONTEXT = 77
TEXTS = [
    "a photo of a cat",
    "A photo of a DOG.",
    "two people walking across the street",
    "it's the photographer's 3rd picture, isn't it?",
    "   spaces\tand\nlines   ",
    "Ærøskøbing, naïve café — 東京 🎬",
    "x" * 400,
    "",
    "<|endoftext|> in the middle <|startoftext|>",
    "12345 6.78",
]


class Tower(torch.nn.Module):
    def __init__(self, body, projection, key):
        super().__init__()
        self.body, self.projection, self.key = body, projection, key

    def forward(self, given):
        return self.projection(self.body(**{self.key: given}).pooler_output)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--site", type=pathlib.Path, required=True, help="site-packages with open_clip and skimage")
    arguments.add_argument("folder", type=pathlib.Path)
    options = arguments.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)

    vocabulary, merges = clip_vocabulary(options.site)
    encode, size = CLIPTokenizer(vocab=vocabulary, merges=merges), len(vocabulary)
    start, end = size - 2, size - 1
    ids = encode(TEXTS, padding="max_length", truncation=True, max_length=CONTEXT)["input_ids"]

    shutil.copy(options.site / "skimage/data/chelsea.png", folder / "cat.png")
    picture = Image.open(folder / "cat.png").convert("RGB")
    turned = picture.rotate(90, expand=True)
    small = picture.resize((40, 30))

    def pixels(image, side):
        process = CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
        return process(images=image, return_tensors="np")["pixel_values"][0], process

    full, process = pixels(picture, 224)
    mean, std = (numpy.array(process.image_mean)[:, None, None], numpy.array(process.image_std)[:, None, None])
    levels = numpy.rint((full * std + mean) * 255).astype(numpy.uint8)
    parity.write_array(folder / "cat_clip_224.u8", levels)

    tower = dict(hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4)
    config = CLIPConfig(
        text_config=dict(tower, vocab_size=size, max_position_embeddings=CONTEXT, bos_token_id=start, eos_token_id=end, pad_token_id=end),
        vision_config=dict(tower, image_size=SIDE, patch_size=16),
        projection_dim=32,
    )
    model = parity.random_weights(CLIPModel(config), seed=20)
    given_text = torch.tensor(ids)
    given_image = torch.tensor(numpy.stack([pixels(image, SIDE)[0] for image in (picture, turned, small)]))
    parity.export(Tower(model.text_model, model.text_projection, "input_ids"), given_text, folder / "clip-text.onnx", "input_ids", "embeds")
    parity.export(Tower(model.vision_model, model.visual_projection, "pixel_values"), given_image, folder / "clip-image.onnx", "pixel_values", "embeds")

    with torch.no_grad():
        result = model(input_ids=given_text, pixel_values=given_image)
    cosine = (result.image_embeds @ result.text_embeds.T).numpy()
    parity.write_json(
        folder / "clip.json",
        {
            "texts": TEXTS,
            "ids": ids,
            "side": SIDE,
            "images": ["cat.png", "cat.png turned by 90 degrees", "cat.png at 40x30"],
            "small": numpy.asarray(small).reshape(-1).tolist(),
            "cosine": [[float(f"{value:.7g}") for value in row] for row in cosine],
        },
    )
    print("cosine between", cosine.min(), "and", cosine.max())


if __name__ == "__main__":
    main()
