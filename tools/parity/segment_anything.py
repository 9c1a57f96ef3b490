"""SAM 2 as ONNX files: its encoder, its decoder, and the four of its memory.

Without --checkpoint: the parity fixtures of services/segmentation, a tiny network with fixed random weights, and what the reference's automatic mask
generator and predictor make of a photograph. With it: all graphs of a published checkpoint, for use.
"""
import argparse
import pathlib

import numpy
import torch
from PIL import Image
from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2.build_sam import build_sam2
from sam2.modeling.backbones.hieradet import Hiera
from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
from sam2.modeling.position_encoding import PositionEmbeddingSine
from sam2.modeling.sam.transformer import TwoWayTransformer
from sam2.modeling.sam2_base import SAM2Base
from sam2.modeling.sam2_utils import MLP
from sam2.sam2_image_predictor import SAM2ImagePredictor
from sam2.sam2_video_predictor import SAM2VideoPredictor
from sam2.utils.amg import area_from_rle, coco_encode_rle, mask_to_rle_pytorch

import parity
import segment_anything_memory

SIDE = 256
CHANNELS = 32
# Hidden layers of the decoder, which are 2048 and 256 wide in all published checkpoints.
HIDDEN = 64
# Parts of the picture, and islands and holes that are too small.
CROPS = dict(crop_n_layers=1, crop_n_points_downscale_factor=2, crop_nms_thresh=0.9)
SMALL = 40
# Frames of the film, and pixels by which each is farther to the right.
FRAMES, PAN = 9, 8
CHOICE = dict(points_per_side=6, points_per_batch=16, stability_score_thresh=0.4, box_nms_thresh=0.9)
BOXES = [[20.0, 10.0, 90.0, 80.0], [60.0, 30.0, 140.0, 95.0]]


class NoMemory(torch.nn.Module):
    """Stands where SAM 2 has what it needs for videos alone."""

    d_model = CHANNELS


def tiny(seed=25):
    """The same architecture at a size that can be kept."""
    model = built(seed, SAM2Base, NoMemory(), NoMemory())
    # Larger where points come in, where the picture looks at them and where masks go out, so that masks depend on the point.
    scaled = [(layer.cross_attn_image_to_token.q_proj, 4) for layer in model.sam_mask_decoder.transformer.layers]
    scaled += [(model.sam_prompt_encoder.point_embeddings, 12)]
    scaled += [(network.layers[-1], 4) for network in model.sam_mask_decoder.output_hypernetworks_mlps]
    return larger(model, scaled)


def larger(model, scaled):
    with torch.no_grad():
        for module, factor in scaled:
            for parameter in module.parameters():
                parameter.mul_(factor)
    return model.eval()


def tiny_with_memory(seed):
    """The same network, and what it needs for videos."""
    attention, encoder = segment_anything_memory.modules(CHANNELS, SIDE // 16, HIDDEN)
    model = built(seed, SAM2VideoPredictor, attention, encoder, **segment_anything_memory.SETTINGS)
    shared = {name: weights for name, weights in tiny().state_dict().items() if name != "maskmem_tpos_enc"}
    model.load_state_dict(shared, strict=False)
    # Larger where masks come in, and where memories are looked at, so that what is remembered depends on the object.
    scaled = [(model.memory_encoder.mask_downsampler.encoder[-1], 12)]
    looking = [layer.cross_attn_image for layer in model.memory_attention.layers]
    scaled += [(module, 4) for attention in looking for module in (attention.q_proj, attention.k_proj, attention.out_proj)]
    # And on when it was.
    with torch.no_grad():
        model.maskmem_tpos_enc.mul_(8)
    return larger(model, scaled)


def built(seed, kind, attention, encoder, **settings):
    torch.manual_seed(seed)
    trunk = Hiera(embed_dim=8, num_heads=1, stages=(1, 1, 2, 1), global_att_blocks=(3,), window_pos_embed_bkg_spatial_size=(7, 7))
    neck = FpnNeck(
        PositionEmbeddingSine(num_pos_feats=CHANNELS, normalize=True, scale=None, temperature=10000),
        d_model=CHANNELS, backbone_channel_list=[64, 32, 16, 8], fpn_top_down_levels=[2, 3], fpn_interp_model="nearest",
    )  # fmt: skip
    model = kind(
        image_encoder=ImageEncoder(scalp=1, trunk=trunk, neck=neck), memory_attention=attention, memory_encoder=encoder, image_size=SIDE,
        use_high_res_features_in_sam=True, multimask_output_in_sam=True, iou_prediction_use_sigmoid=True, directly_add_no_mem_embed=True,
        pred_obj_scores=True, pred_obj_scores_mlp=True, sam_mask_decoder_extra_args=dict(dynamic_multimask_via_stability=True), **settings,
    )  # fmt: skip
    model.sam_mask_decoder.transformer = TwoWayTransformer(depth=2, embedding_dim=CHANNELS, mlp_dim=HIDDEN, num_heads=8)
    model.sam_mask_decoder.iou_prediction_head = MLP(CHANNELS, HIDDEN, 4, 3, sigmoid_output=True)
    return parity.random_weights(model, seed)


class Encoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image):
        out = self.model.forward_image(image)
        embed = out["backbone_fpn"][-1] + self.model.no_mem_embed.reshape(1, -1, 1, 1)
        return out["backbone_fpn"][0], out["backbone_fpn"][1], embed


class Decoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image_embed, high_res_feats_0, high_res_feats_1, point_coords, point_labels):
        sparse, dense = self.model.sam_prompt_encoder(points=(point_coords, point_labels), boxes=None, masks=None)
        masks, predicted, _, _ = self.model.sam_mask_decoder(
            image_embeddings=image_embed, image_pe=self.model.sam_prompt_encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense, multimask_output=True, repeat_image=True, high_res_features=[high_res_feats_0, high_res_feats_1],
        )  # fmt: skip
        return masks, predicted


def export(model, folder, prefix):
    image = torch.randn(1, 3, model.image_size, model.image_size, generator=torch.Generator().manual_seed(1))
    names = ["high_res_feats_0", "high_res_feats_1", "image_embed"]
    how = dict(opset_version=parity.OPSET, dynamo=False)
    with torch.no_grad():
        features = Encoder(model)(image)
        torch.onnx.export(Encoder(model), (image,), str(folder / f"{prefix}encoder.onnx"), input_names=["image"], output_names=names, **how)
        points = torch.rand(3, 2, 2, generator=torch.Generator().manual_seed(2)) * model.image_size
        labels = torch.tensor([[2.0, 3.0], [1.0, 1.0], [1.0, 0.0]])
        torch.onnx.export(
            Decoder(model), (features[2], features[0], features[1], points, labels), str(folder / f"{prefix}decoder.onnx"),
            input_names=["image_embed", *names[:2], "point_coords", "point_labels"], output_names=["masks", "iou_predictions"],
            dynamic_axes={"point_coords": {0: "prompts", 1: "points"}, "point_labels": {0: "prompts", 1: "points"},
                          "masks": {0: "prompts"}, "iou_predictions": {0: "prompts"}}, **how,
        )  # fmt: skip


def expected(model, picture):
    """What the reference makes of a picture. The least predicted overlap leaves out a quarter of all masks, since random weights predict anything."""
    predictor = SAM2ImagePredictor(model)
    predictor._bb_feat_sizes = [(SIDE // 4, SIDE // 4), (SIDE // 8, SIDE // 8), (SIDE // 16, SIDE // 16)]
    everything = SAM2AutomaticMaskGenerator(
        model, pred_iou_thresh=0.0, output_mode="coco_rle", **CHOICE | CROPS | dict(box_nms_thresh=1.0, crop_nms_thresh=1.0)
    )
    everything.predictor._bb_feat_sizes = predictor._bb_feat_sizes
    predicted = sorted(float(value) for value in everything._generate_masks(picture)["iou_preds"])
    least = float(f"{predicted[len(predicted) // 4]:.4f}")

    def generated(small=0, **choice):
        choice = CHOICE | choice
        generator = SAM2AutomaticMaskGenerator(model, pred_iou_thresh=least, output_mode="coco_rle", **choice)
        generator.predictor._bb_feat_sizes = predictor._bb_feat_sizes
        found = generator._generate_masks(picture)
        if small:
            found = generator.postprocess_small_regions(found, small, choice["box_nms_thresh"])
        return [
            {"size": rle["size"], "counts": coco_encode_rle(rle)["counts"], "area": int(area_from_rle(rle)),
             "predicted_iou": float(found["iou_preds"][at]), "stability": float(found["stability_score"][at]), "point": found["points"][at].tolist()}
            for at, rle in enumerate(found["rles"])
        ]  # fmt: skip

    predictor.set_image(picture)
    boxes = []
    for corners in BOXES:
        masks, scores, _ = predictor.predict(box=numpy.array(corners), multimask_output=True)
        best = int(scores.argmax())
        boxes.append({"box": corners, "predicted_iou": float(scores[best]), "area": int(masks[best].sum()), "row_sums": masks[best].sum(1).astype(int).tolist()})
    normalised = predictor._transforms(picture)
    sample = normalised[:, ::37, ::41]
    return {
        "choice": CHOICE | CROPS | {"pred_iou_thresh": least, "small": SMALL},
        "normalised": {"steps": [37, 41], "values": [float(f"{value:.6g}") for value in sample.reshape(-1)]},
        "masks": generated(),
        "with_duplicates": generated(box_nms_thresh=1.0),
        "of_parts": generated(**CROPS),
        "of_parts_cleaned": generated(small=SMALL, **CROPS),
        "boxes": boxes,
    }


def film(folder, photograph):
    """The same photograph passing by, what the network with its memory makes of it, and that memory's graphs."""
    wide = Image.open(photograph).convert("RGB").resize((300 + PAN * (FRAMES - 1), 120), Image.Resampling.BICUBIC)
    wide.save(folder / "film.png")
    frames = [numpy.asarray(wide)[:, PAN * number :][:, :300] for number in range(FRAMES)]
    masks = numpy.zeros((len(BOXES), 120, 300), dtype=bool)
    for mask, (x0, y0, x1, y1) in zip(masks, BOXES):
        mask[int(y0) : int(y1), int(x0) : int(x1)] = True
    model = tiny_with_memory(12)
    with torch.no_grad():
        found = segment_anything_memory.expected(model, frames, masks)
    counts = lambda mask: coco_encode_rle(mask_to_rle_pytorch(torch.as_tensor(mask)[None])[0])["counts"]
    records = [
        {"frame": frame, "object": number, "object_score": score, "area": int(mask.sum()), "size": list(mask.shape), "counts": counts(mask)}
        for frame, number, mask, score in found
    ]  # fmt: skip
    parity.write_json(folder / "memory.json", {"pan": PAN, "frames": FRAMES, "boxes": BOXES, "masks": records})
    segment_anything_memory.export(model, folder, "")
    print("memory", [(record["frame"], record["object"], record["area"]) for record in records])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--checkpoint", type=pathlib.Path, help="a published checkpoint: sam2.1_hiera_tiny.pt")
    arguments.add_argument("--config", default="configs/sam2.1/sam2.1_hiera_t.yaml", help="its configuration, in the words of sam2")
    arguments.add_argument("--prefix", default="", help="what the files' names begin with: sam2.1-hiera-tiny-")
    arguments.add_argument("--picture", type=pathlib.Path, help="a photograph, for the fixtures")
    arguments.add_argument("folder", type=pathlib.Path)
    options = arguments.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.checkpoint:
        model = build_sam2(options.config, str(options.checkpoint), device="cpu").eval()
        export(model, options.folder, options.prefix)
        segment_anything_memory.export(model, options.folder, options.prefix)
        return
    model = tiny()
    export(model, options.folder, options.prefix)
    # Small enough to keep as numbers, of an aspect ratio that is not the network's, and larger than it on one side.
    picture = Image.open(options.picture).convert("RGB").resize((300, 120), Image.Resampling.BICUBIC)
    picture.save(options.folder / "picture.png")
    result = expected(model, numpy.asarray(picture))
    parity.write_json(options.folder / "expected.json", result)
    film(options.folder, options.picture)
    for key in ["masks", "with_duplicates", "of_parts", "of_parts_cleaned"]:
        print(key, [record["area"] for record in result[key]])


if __name__ == "__main__":
    main()
