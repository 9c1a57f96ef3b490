"""SAM 2's memory as four ONNX files, and what its video predictor makes of a few frames.

Beside the encoder of segment_anything.py, whose `image_embed` already has the embedding of no memory added: here it is taken off again. Every
graph is of one object.
"""
import types

import numpy
import torch
import torch.nn.functional as F
from sam2.modeling.memory_attention import MemoryAttention, MemoryAttentionLayer
from sam2.modeling.memory_encoder import CXBlock, Fuser, MaskDownSampler, MemoryEncoder
from sam2.modeling.position_encoding import PositionEmbeddingSine
from sam2.modeling.sam.transformer import RoPEAttention
from sam2.modeling.sam2_utils import get_1d_sine_pe

import parity

# Channels of a memory, in parts of those of the picture: 64 of 256 in all published checkpoints.
PART = 4


def modules(channels, places, hidden):
    """Memory attention and encoder of a tiny network whose coarsest features are `places` × `places`."""
    memory = channels // PART
    rope = dict(rope_theta=10000.0, feat_sizes=[places, places], embedding_dim=channels, num_heads=1, downsample_rate=1, dropout=0.0)
    layer = MemoryAttentionLayer(
        activation="relu", dim_feedforward=hidden, dropout=0.0, pos_enc_at_attn=False, self_attention=RoPEAttention(**rope), d_model=channels,
        pos_enc_at_cross_attn_keys=True, pos_enc_at_cross_attn_queries=False,
        cross_attention=RoPEAttention(**rope, rope_k_repeat=True, kv_in_dim=memory),
    )  # fmt: skip
    attention = MemoryAttention(d_model=channels, pos_enc_at_input=True, layer=layer, num_layers=2)
    encoder = MemoryEncoder(
        out_dim=memory, position_encoding=PositionEmbeddingSine(num_pos_feats=memory, normalize=True, scale=None, temperature=10000),
        mask_downsampler=MaskDownSampler(embed_dim=channels, kernel_size=3, stride=2, padding=1),
        fuser=Fuser(CXBlock(channels, layer_scale_init_value=1e-6), num_layers=1), in_dim=channels,
    )  # fmt: skip
    return attention, encoder


# What published checkpoints of SAM 2.1 are configured with.
SETTINGS = dict(
    num_maskmem=7, sigmoid_scale_for_mem_enc=20.0, sigmoid_bias_for_mem_enc=-10.0, use_mask_input_as_output_without_sam=True, no_obj_embed_spatial=True,
    use_obj_ptrs_in_encoder=True, add_tpos_enc_to_obj_ptrs=True, proj_tpos_enc_in_obj_ptrs=True, use_signed_tpos_enc_to_obj_ptrs=True,
    only_obj_ptrs_in_the_past_for_eval=True, fixed_no_obj_ptr=True, multimask_output_for_tracking=True, use_multimask_token_for_obj_ptr=True,
    multimask_min_pt_num=0, multimask_max_pt_num=1, use_mlp_for_obj_ptr_proj=True,
)  # fmt: skip


def rotated(x, cos, sin):
    """Pairs of numbers turned by angles: what RoPE does, without complex numbers, which ONNX has not."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def rope(self, q, k, v, num_k_exclude_rope=0):
    """RoPEAttention.forward for any number of memories; pointers, at the end of the keys, are not turned."""
    q, k, v = self.q_proj(q), self.k_proj(k), self.v_proj(v)
    cos, sin = self.freqs_cis.real, self.freqs_cis.imag
    places = cos.shape[0]
    spatial = k[:, : k.shape[1] - num_k_exclude_rope]
    turned = rotated(spatial.reshape(1, -1, places, k.shape[-1]), cos, sin).reshape(1, -1, k.shape[-1])
    k = torch.cat([turned, k[:, k.shape[1] - num_k_exclude_rope :]], dim=1)
    q = rotated(q, cos, sin)
    weights = torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, dim=-1)
    return self.out_proj(weights @ v)


class Attention(torch.nn.Module):
    """A picture's features after a look at memories and pointers."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        for layer in model.memory_attention.layers:
            for attention in [layer.self_attn, layer.cross_attn_image]:
                attention.forward = types.MethodType(rope, attention)

    def forward(self, image_embed, memories, memory_slots, pointers, pointer_times):
        model = self.model
        raw = image_embed - model.no_mem_embed.reshape(1, -1, 1, 1)
        here = model.image_encoder.neck.position_encoding(raw).flatten(2).permute(2, 0, 1)
        there = model.memory_encoder.position_encoding(memories[:1])
        there = there + model.maskmem_tpos_enc[memory_slots, 0, 0][:, :, None, None]
        tokens = lambda of: of.flatten(2).permute(0, 2, 1).reshape(-1, 1, model.mem_dim)
        parts = model.hidden_dim // model.mem_dim
        when = model.obj_ptr_tpos_proj(get_1d_sine_pe(pointer_times, dim=model.hidden_dim))
        memory = torch.cat([tokens(memories), pointers.reshape(-1, 1, model.mem_dim)], dim=0)
        position = torch.cat([tokens(there), when.repeat_interleave(parts, dim=0)[:, None]], dim=0)
        looked = model.memory_attention(
            curr=raw.flatten(2).permute(2, 0, 1), curr_pos=here, memory=memory, memory_pos=position, num_obj_ptr_tokens=pointers.shape[0] * parts
        )
        return looked.permute(1, 2, 0).reshape(raw.shape)


class Decoder(torch.nn.Module):
    """The mask of an object that memory tells of, its predicted overlap, its pointer, and whether it is there (above 0)."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image_embed, high_res_feats_0, high_res_feats_1):
        features = [high_res_feats_0, high_res_feats_1]
        _, _, overlaps, mask, _, pointer, score = self.model._forward_sam_heads(image_embed, high_res_features=features, multimask_output=True)
        return mask, overlaps.max(dim=1, keepdim=True).values, pointer, score


class Pointer(torch.nn.Module):
    """The pointer of an object whose mask (0 or 1, of the network's own picture) is given. It needs no finer features: no mask is drawn."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image_embed, mask):
        raw = image_embed - self.model.no_mem_embed.reshape(1, -1, 1, 1)
        places, channels = raw.shape[-1], raw.shape[1]
        features = [raw.new_zeros(1, channels // 8, 4 * places, 4 * places), raw.new_zeros(1, channels // 4, 2 * places, 2 * places)]
        small = self.model.mask_downsample(mask)
        pointer = self.model._forward_sam_heads(raw, mask_inputs=small, high_res_features=features)[5]
        there = mask.amax(dim=(1, 2, 3))[:, None]
        return there * pointer + (1 - there) * self.model.no_obj_ptr


class Encoder(torch.nn.Module):
    """What is remembered of a frame: its features and the object's mask (logits, a quarter of the picture's size)."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image_embed, mask, object_score):
        raw = image_embed - self.model.no_mem_embed.reshape(1, -1, 1, 1)
        size = self.model.image_size
        mask = F.interpolate(mask, size=(size, size), mode="bilinear", align_corners=False)
        features = [raw.flatten(2).permute(2, 0, 1)]
        memory, _ = self.model._encode_new_memory(features, [raw.shape[-2:]], mask, object_score, is_mask_from_pts=False)
        return memory


def export(model, folder, prefix):
    """Writes the four graphs. `model` is used up: its attention is replaced by the exportable form."""
    size, places, channels, memory = model.image_size, model.image_size // 16, model.hidden_dim, model.mem_dim
    noise = lambda *shape: torch.randn(shape, generator=torch.Generator().manual_seed(3))
    embed, fine, middle = noise(1, channels, places, places), noise(1, channels // 8, 4 * places, 4 * places), noise(1, channels // 4, 2 * places, 2 * places)
    features = ["image_embed", "high_res_feats_0", "high_res_feats_1"]
    score = torch.ones(1, 1)
    graphs = [
        ("memory-encoder", Encoder(model), (embed, noise(1, 1, 4 * places, 4 * places), score), ["image_embed", "mask", "object_score"], ["memory"], {}),
        ("memory-decoder", Decoder(model), (embed, fine, middle), features, ["mask", "iou_prediction", "pointer", "object_score"], {}),
        ("memory-pointer", Pointer(model), (embed, torch.ones(1, 1, size, size)), ["image_embed", "mask"], ["pointer"], {}),
        ("memory-attention", Attention(model), (embed, noise(3, memory, places, places), torch.tensor([6, 1, 0]), noise(2, channels), torch.tensor([0.2, 0.1])),
         ["image_embed", "memories", "memory_slots", "pointers", "pointer_times"], ["conditioned"],
         {"memories": {0: "memories"}, "memory_slots": {0: "memories"}, "pointers": {0: "pointers"}, "pointer_times": {0: "pointers"}}),
    ]  # fmt: skip
    for name, graph, example, inputs, outputs, axes in graphs:
        with torch.no_grad():
            torch.onnx.export(
                graph, example, str(folder / f"{prefix}{name}.onnx"), input_names=inputs, output_names=outputs, dynamic_axes=axes,
                opset_version=parity.OPSET, dynamo=False,
            )  # fmt: skip


def expected(predictor, frames, masks):
    """What the predictor makes of frames (RGB, 8 bits) when masks of objects are given on the first."""
    state = followed(predictor, frames)
    for number, mask in enumerate(masks):
        predictor.add_new_mask(state, frame_idx=0, obj_id=number, mask=mask)
    found = []
    for frame, objects, logits in predictor.propagate_in_video(state):
        for number, logits in zip(objects, logits):
            score = state["output_dict_per_obj"][number]["cond_frame_outputs" if frame == 0 else "non_cond_frame_outputs"][frame]["object_score_logits"]
            found.append((frame, number, (logits[0] > 0).numpy(), float(score[0, 0])))
    return found


def followed(predictor, frames):
    """A state of the predictor, without files: frames as the image predictor scales them."""
    from sam2.utils.transforms import SAM2Transforms

    transforms = SAM2Transforms(resolution=predictor.image_size, mask_threshold=0.0)
    images = torch.stack([transforms(numpy.ascontiguousarray(frame)) for frame in frames])
    import sam2.sam2_video_predictor as module

    height, width = frames[0].shape[:2]
    load = module.load_video_frames
    module.load_video_frames = lambda **_: (images, height, width)
    try:
        return predictor.init_state(video_path="")
    finally:
        module.load_video_frames = load
