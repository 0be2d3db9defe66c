"""Writes the corpus: small JPEG files of every form that Pillow reads, and `expected.tsv`.

Each line of `expected.tsv` is a file with its width, height and EXIF orientation, and FNV-1a hashes of
the RGB bytes that Pillow (libjpeg-turbo) gives at the reductions 1, 2, 4 and 8. A hash is `-` where
Pillow does not offer the reduction. Run it with numpy, Pillow, scikit-image and scikit-learn:

    python plugins/jpeg/tests/corpus/generate.py
"""

import io
import pathlib

import numpy as np
import skimage.data
from encoder import encode, segment
from PIL import Image
from sklearn.datasets import load_sample_images

HERE = pathlib.Path(__file__).parent
FILES = HERE / "files"


def fnv(data):
    """FNV-1a, 64 bits, over little-endian words of eight bytes; the last is padded with zeros."""
    value = 0xCBF29CE484222325
    data += bytes(-len(data) % 8)
    for word in np.frombuffer(data, "<u8"):
        value = (value ^ int(word)) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def photographs():
    china, flower = (Image.fromarray(array) for array in load_sample_images().images)
    return {"china": china, "flower": flower, "astronaut": Image.fromarray(skimage.data.astronaut())}


def crop(image, width, height, scale=1.0):
    """The middle of a photograph, seen as through a lens of the given scale."""
    w, h = min(image.width, int(width * scale)), min(image.height, int(height * scale))
    left, top = (image.width - w) // 2, (image.height - h) // 2
    return image.crop((left, top, left + w, top + h)).resize((width, height), Image.Resampling.LANCZOS)


def pillow(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def corpus():
    photos = photographs()
    china, flower, astronaut = photos.values()
    for name, photo in photos.items():
        for sampling in ("4:4:4", "4:2:2", "4:2:0", "4:1:1"):
            picture = crop(photo, 133, 101, 2.5)
            yield f"{name}-{sampling.replace(':', '')}.jpg", pillow(picture, quality=88, subsampling=sampling)
    for quality in (5, 30, 60, 97, 100):
        yield f"quality-{quality}.jpg", pillow(crop(flower, 96, 72, 3), quality=quality)
    for width, height in [(1, 1), (1, 17), (17, 1), (2, 2), (3, 5), (5, 3), (7, 9), (8, 8), (16, 16), (15, 33), (33, 15)]:
        picture = crop(china, width, height, 8)
        for sampling in ("4:4:4", "4:2:2", "4:2:0"):
            name = f"tiny-{width}x{height}-{sampling.replace(':', '')}.jpg"
            yield name, pillow(picture, quality=90, subsampling=sampling)
        yield f"tiny-{width}x{height}-progressive.jpg", pillow(picture, quality=90, progressive=True)
    small = crop(astronaut, 97, 83, 3)
    yield "progressive-420.jpg", pillow(small, quality=85, progressive=True)
    yield "progressive-444.jpg", pillow(small, quality=93, progressive=True, subsampling=0)
    yield "progressive-422.jpg", pillow(small, quality=50, progressive=True, subsampling=1)
    yield "progressive-grey.jpg", pillow(small.convert("L"), quality=85, progressive=True)
    yield "progressive-restarts.jpg", pillow(small, quality=85, progressive=True, restart_marker_blocks=4)
    yield "progressive-cmyk.jpg", pillow(small.convert("CMYK"), quality=85, progressive=True)
    yield "grey.jpg", pillow(small.convert("L"), quality=85)
    yield "cmyk.jpg", pillow(small.convert("CMYK"), quality=85)
    yield "rgb.jpg", pillow(small, quality=85, keep_rgb=True)
    yield "optimised.jpg", pillow(small, quality=85, optimize=True)
    yield "restart-rows.jpg", pillow(small, quality=85, restart_marker_rows=1)
    yield "restart-blocks.jpg", pillow(small, quality=85, restart_marker_blocks=1)
    for orientation in (3, 6, 8):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"orientation-{orientation}.jpg", pillow(small, quality=70, exif=exif)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8))
    yield "noise-100.jpg", pillow(noise, quality=100, subsampling=0)
    yield "noise-50.jpg", pillow(noise, quality=50)
    yield "flat.jpg", pillow(Image.new("RGB", (70, 50), (12, 200, 90)), quality=90)
    yield "trailing-bytes.jpg", pillow(small, quality=60) + b"trailing \xff\xd9 bytes" * 9
    yield "large-420.jpg", pillow(crop(china, 420, 311, 1.5), quality=85)
    yield "large-progressive.jpg", pillow(crop(flower, 300, 211, 2), quality=85, progressive=True)

    # What Pillow reads but does not write.
    ycc = [np.asarray(plane) for plane in small.convert("YCbCr").split()]
    rgb = [np.asarray(plane) for plane in small.split()]
    cmyk = [np.asarray(plane) for plane in small.convert("CMYK").split()]
    grey = [np.asarray(small.convert("L"))]
    jfif = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")

    def adobe(transform):
        return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))

    size = small.size
    for name, sampling in {
        "440": [(1, 2), (1, 1), (1, 1)],
        "410": [(4, 2), (1, 1), (1, 1)],
        "441": [(1, 4), (1, 1), (1, 1)],
        "mixed": [(2, 2), (1, 2), (2, 1)],
        "mixed-2": [(2, 2), (2, 1), (1, 1)],
        "chroma-larger": [(1, 1), (2, 2), (2, 2)],
        "all-2x2": [(2, 2), (2, 1), (2, 2)],
        "all-1x2": [(1, 2), (1, 2), (1, 2)],
    }.items():
        yield f"sampling-{name}.jpg", encode(ycc, size, sampling, markers=jfif)
    scans = [[0], [1], [2]]
    yield "scans-420.jpg", encode(ycc, size, [(2, 2), (1, 1), (1, 1)], scans=scans, markers=jfif)
    yield "scans-444.jpg", encode(ycc, size, [(1, 1)] * 3, scans=[[0], [2, 1]], markers=jfif)
    yield "scans-restarts.jpg", encode(ycc, size, [(2, 1), (1, 1), (1, 1)], scans=scans, restart=3, fill=b"\xff\xff")
    yield "wide-steps.jpg", encode(ycc, size, [(2, 2), (1, 1), (1, 1)], markers=jfif, wide=True)
    yield "fill-bytes.jpg", encode(ycc, size, [(2, 2), (1, 1), (1, 1)], restart=2, fill=b"\xff" * 5)
    yield "no-marker.jpg", encode(ycc, size, [(2, 2), (1, 1), (1, 1)], ids=[7, 8, 9])
    yield "named-rgb.jpg", encode(rgb, size, [(1, 1)] * 3, ids=list(b"RGB"))
    yield "adobe-rgb.jpg", encode(rgb, size, [(1, 1)] * 3, markers=adobe(0))
    yield "adobe-rgb-subsampled.jpg", encode(rgb, size, [(2, 2), (1, 1), (1, 1)], markers=adobe(0))
    yield "adobe-ycc.jpg", encode(ycc, size, [(2, 2), (1, 1), (1, 1)], markers=adobe(1))
    yield "adobe-ycck.jpg", encode([*ycc, cmyk[3]], size, [(2, 2), (1, 1), (1, 1), (2, 2)], markers=adobe(2), step=3)
    yield "adobe-ycck-inverted.jpg", encode([*ycc, 255 - cmyk[3]], size, [(1, 1)] * 4, markers=adobe(2), step=3)
    yield "cmyk-no-marker.jpg", encode(cmyk, size, [(1, 1)] * 4, step=3)
    yield "cmyk-subsampled.jpg", encode(cmyk, size, [(2, 2), (1, 1), (2, 1), (1, 2)], markers=adobe(0), step=3)
    yield "grey-2x2.jpg", encode(grey, size, [(2, 2)], markers=jfif)
    yield "grey-restarts.jpg", encode(grey, size, [(1, 1)], restart=5)
    # A few coefficients in long blocks, so that the 63rd is often there.
    checks = [np.where(np.add.outer(np.arange(83), np.arange(97)) % 2, 255, 0).astype(np.uint8)] * 3
    yield "checks.jpg", encode(checks, size, [(1, 1)] * 3, step=1, markers=jfif)

    # Damaged, but read by Pillow all the same.
    whole = pillow(small, quality=80, restart_marker_rows=1)
    yield "damaged-marker-lost.jpg", whole.replace(b"\xff\xd2", b"\x12\x34", 1)
    yield "damaged-marker-repeated.jpg", whole.replace(b"\xff\xd3", b"\xff\xd2", 1)
    yield "damaged-marker-early.jpg", whole.replace(b"\xff\xd1", b"\xff\xd3", 1)
    whole = pillow(small, quality=80)
    yield "damaged-cut-and-closed.jpg", whole[: len(whole) * 2 // 3] + b"\xff\xd9"
    at = len(whole) // 2
    yield "damaged-bits.jpg", whole[:at] + bytes(b ^ 0x15 for b in whole[at : at + 6]) + whole[at + 6 :]


def expected(data):
    image = Image.open(io.BytesIO(data))
    width, height = image.size
    orientation = image.getexif().get(0x0112, 1)
    hashes = [fnv(image.convert("RGB").tobytes())]
    for reduction in (2, 4, 8):
        image = Image.open(io.BytesIO(data))
        image.draft(image.mode, (max(1, width // reduction), max(1, height // reduction)))
        same = image.decoderconfig[:1] == (reduction,)
        hashes.append(fnv(image.convert("RGB").tobytes()) if same else "-")
    return [width, height, orientation, *hashes]


def main():
    FILES.mkdir(exist_ok=True)
    for old in FILES.glob("*.jpg"):
        old.unlink()
    lines, total = [], 0
    for name, data in sorted(corpus()):
        (FILES / name).write_bytes(data)
        lines.append("\t".join(map(str, [name, *expected(data)])))
        total += len(data)
    (HERE / "expected.tsv").write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} files, {total} bytes")


if __name__ == "__main__":
    main()
