"""Makes the parity fixtures of services/inpainting: a tiny LaMa with fixed random weights, and what it makes of a photograph with holes.

The network is written here from the paper (Suvorov et al. 2022, "Resolution-robust Large Mask Inpainting with Fourier Convolutions";
Chi et al. 2020, "Fast Fourier Convolution"): an encoder of three strided convolutions, residual blocks of fast Fourier convolutions
with three quarters of the channels global, a decoder of three transposed convolutions, and a sigmoid. It is narrow and shallow, and
knows nothing.
"""
import argparse
import pathlib

import numpy
import onnx
import onnxruntime
import torch
from PIL import Image
from torch import nn

import parity

# Side of the square that the network sees.
SIDE = 64
WIDTH = 4
BLOCKS = 2
GLOBAL = 0.75
# What normalisations multiply with, about: large enough that what lies around a hole shows in it.
GAIN = 0.24


class FourierUnit(nn.Module):
    """Convolution of the spectrum: real and imaginary parts as channels, 1 × 1, and back."""

    def __init__(self, channels):
        super().__init__()
        self.mix = nn.Sequential(nn.Conv2d(2 * channels, 2 * channels, 1, bias=False), nn.BatchNorm2d(2 * channels), nn.ReLU())

    def forward(self, x):
        count, channels, height, width = x.shape
        spectrum = self.transform(x)
        parts = torch.stack([spectrum[0], spectrum[1]], dim=2).reshape(count, 2 * channels, height, width // 2 + 1)
        mixed = self.mix(parts).reshape(count, channels, 2, height, width // 2 + 1)
        return self.back(mixed[:, :, 0], mixed[:, :, 1], width)

    def transform(self, x):
        spectrum = torch.fft.rfft2(x, norm="ortho")
        return spectrum.real, spectrum.imag

    def back(self, real, imaginary, width):
        return torch.fft.irfft2(torch.complex(real, imaginary), s=(real.shape[-2], width), norm="ortho")


class MatrixFourierUnit(FourierUnit):
    """The same transform as products with constant matrices, which every runtime has: this is what is exported."""

    @staticmethod
    def matrices(size):
        angle = -2 * numpy.pi * numpy.outer(numpy.arange(size), numpy.arange(size)) / size
        scale = 1 / numpy.sqrt(size)
        return [torch.tensor(part * scale, dtype=torch.float32) for part in (numpy.cos(angle), numpy.sin(angle))]

    def transform(self, x):
        height, width = (int(size) for size in x.shape[-2:])
        (cw, sw), (ch, sh) = self.matrices(width), self.matrices(height)
        half = width // 2 + 1
        real, imaginary = x @ cw[:, :half], x @ sw[:, :half]
        return ch @ real - sh @ imaginary, ch @ imaginary + sh @ real

    def back(self, real, imaginary, width):
        height = int(real.shape[-2])
        (cw, sw), (ch, sh) = self.matrices(width), self.matrices(height)
        # The inverse has the conjugate matrix; columns 0 and half have no mirror image among those left out.
        rows_real, rows_imaginary = ch @ real + sh @ imaginary, ch @ imaginary - sh @ real
        half = width // 2 + 1
        twice = torch.full((half,), 2.0)
        twice[0] = twice[-1] = 1.0
        return (rows_real * twice) @ cw[:half] + (rows_imaginary * twice) @ sw[:half]


class SpectralTransform(nn.Module):
    def __init__(self, inside, outside, unit):
        super().__init__()
        middle = outside // 2
        self.enter = nn.Sequential(nn.Conv2d(inside, middle, 1, bias=False), nn.BatchNorm2d(middle), nn.ReLU())
        self.fourier = unit(middle)
        self.leave = nn.Conv2d(middle, outside, 1, bias=False)

    def forward(self, x):
        x = self.enter(x)
        return self.leave(x + self.fourier(x))


class FastFourierConvolution(nn.Module):
    """A local and a global half that feed each other, each normalised and rectified."""

    def __init__(self, channels, unit):
        super().__init__()
        far = int(channels * GLOBAL)
        near = channels - far
        same = dict(kernel_size=3, padding=1, padding_mode="reflect", bias=False)
        self.near_near, self.near_far = nn.Conv2d(near, near, **same), nn.Conv2d(near, far, **same)
        self.far_near, self.far_far = nn.Conv2d(far, near, **same), SpectralTransform(far, far, unit)
        self.near = nn.Sequential(nn.BatchNorm2d(near), nn.ReLU())
        self.far = nn.Sequential(nn.BatchNorm2d(far), nn.ReLU())

    def forward(self, near, far):
        return (
            self.near(self.near_near(near) + self.far_near(far)),
            self.far(self.near_far(near) + self.far_far(far)),
        )


class Block(nn.Module):
    def __init__(self, channels, unit):
        super().__init__()
        self.first, self.second = FastFourierConvolution(channels, unit), FastFourierConvolution(channels, unit)

    def forward(self, near, far):
        a, b = self.second(*self.first(near, far))
        return near + a, far + b


class Lama(nn.Module):
    """image N × 3 × H × W, RGB 0–1, and mask N × 1 × H × W, 1 in the hole → the picture with the hole filled, 0–1."""

    def __init__(self, unit):
        super().__init__()
        layers = [nn.Conv2d(4, WIDTH, 7, padding=3, padding_mode="reflect", bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU()]
        for level in range(3):
            channels = WIDTH * 2**level
            layers += [nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, padding_mode="reflect", bias=False)]
            layers += [nn.BatchNorm2d(2 * channels), nn.ReLU()]
        self.encoder = nn.Sequential(*layers)
        self.blocks = nn.ModuleList(Block(WIDTH * 8, unit) for _ in range(BLOCKS))
        layers = []
        for level in reversed(range(3)):
            channels = WIDTH * 2**level
            layers += [nn.ConvTranspose2d(2 * channels, channels, 3, stride=2, padding=1, output_padding=1)]
            layers += [nn.BatchNorm2d(channels), nn.ReLU()]
        layers += [nn.Conv2d(WIDTH, 3, 7, padding=3, padding_mode="reflect"), nn.Sigmoid()]
        self.decoder = nn.Sequential(*layers)

    def forward(self, image, mask):
        x = self.encoder(torch.cat([image * (1 - mask), mask], dim=1))
        far = int(x.shape[1] * GLOBAL)
        near, far = x[:, : x.shape[1] - far], x[:, x.shape[1] - far :]
        for block in self.blocks:
            near, far = block(near, far)
        predicted = self.decoder(torch.cat([near, far], dim=1))
        return mask * predicted + (1 - mask) * image


def padded(array):
    """Padded right and below by its mirror image to what the network takes, as the authors do."""
    height, width = array.shape[-2:]
    widths = [(0, 0)] * (array.ndim - 2) + [(0, -height % SIDE), (0, -width % SIDE)]
    return numpy.pad(array, widths, mode="symmetric")


def reference(model, picture, mask):
    """uint8 H × W × 3 and a mask that is not 0 in the hole → uint8 H × W × 3, outside the hole as it was."""
    height, width = mask.shape
    image = torch.tensor(padded(picture.transpose(2, 0, 1)[None].astype(numpy.float32) / 255))
    hole = torch.tensor(padded((mask > 0).astype(numpy.float32)[None, None]))
    with torch.no_grad():
        filled = model(image, hole)[0, :, :height, :width].numpy().transpose(1, 2, 0)
    levels = numpy.clip(numpy.rint(filled * 255), 0, 255).astype(numpy.uint8)
    return numpy.where(mask[..., None] > 0, levels, picture), image, hole


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("picture", type=pathlib.Path, help="shared/clip/tests/parity/cat.png")
    arguments.add_argument("folder", type=pathlib.Path)
    options = arguments.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)

    model = parity.random_weights(Lama(FourierUnit), seed=30)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.add_(GAIN)
    exported = Lama(MatrixFourierUnit).eval()
    exported.load_state_dict(model.state_dict())

    photograph = Image.open(options.picture).convert("RGB")
    rows, columns = numpy.mgrid[0:SIDE, 0:SIDE]
    disc = ((rows - 30) ** 2 + (columns - 27) ** 2 < 13**2) | ((rows > 44) & (rows < 50) & (columns > 8) & (columns < 50))
    cases = []
    # All of the square, and pictures that have to be padded on one side or on both.
    for width, height in [(64, 64), (52, 64), (64, 47), (56, 40)]:
        picture = numpy.asarray(photograph.resize((width, height), Image.Resampling.BILINEAR))
        mask = (disc[:height, :width] * 255).astype(numpy.uint8)
        filled, image, hole = reference(model, picture, mask)
        cases.append({"width": width, "height": height, "picture": picture, "mask": mask, "filled": filled})
        inside = filled[mask > 0].astype(int) - picture[mask > 0]
        print(f"{width}x{height}: changes the hole by {numpy.abs(inside).mean():.1f} levels, spread {filled[mask > 0].std():.1f}")

    path = folder / "lama.onnx"
    torch.onnx.export(
        exported, (image, hole), str(path), input_names=["image", "mask"], output_names=["output"],
        opset_version=parity.OPSET, dynamo=False,
    )
    onnx.checker.check_model(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {"image": image.numpy(), "mask": hole.numpy()})[0]
    with torch.no_grad():
        difference = numpy.abs(found - model(image, hole).numpy()).max()
    print(f"{path.name}: {path.stat().st_size} bytes, differs from the reference by {difference:.2e}")
    assert difference < 1e-4, "the export is not the reference"

    names = ("picture", "mask", "filled")
    parity.write_array(folder / "pictures.u8", numpy.concatenate([case[name].reshape(-1) for case in cases for name in names]))
    parity.write_json(folder / "cases.json", [{key: case[key] for key in ("width", "height")} for case in cases])


if __name__ == "__main__":
    main()
