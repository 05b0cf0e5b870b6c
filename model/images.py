"""A container image with its tested version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from model.cluster import Images
from model.quantities import Image


@dataclass(frozen=True)
class Pinned:
    """An image, the user that it runs as, and the tested version."""

    image: Image
    uid: int
    tested: str
    """Version that was tested; empty if none could be."""
    why: str = ""
    """Why the tested version differs from the image's; empty if it does not."""
    binaries: Mapping[str, str] = field(default_factory=dict)
    """Paths inside the image of the programs that the tests run, keyed by their name in the tests."""

    @property
    def version(self) -> str:
        """The image's version, as its server prints it."""
        return self.image.tag.removeprefix("v").partition("-")[0]

    @property
    def name(self) -> str:
        """Name of the server: the first of its programs; empty if the tests run none."""
        return next(iter(self.binaries), "")

    def reference(self, images: Images) -> str:
        image = self.image.on(images.registry)
        return str(replace(image, digest=images.digests.get(self.name, image.digest)))


def pinned(reference: str, uid: int, binaries: Mapping[str, str], tested: str | None = None, why: str = "") -> Pinned:
    """The pin of an image. ``tested`` defaults to the image's own version."""
    made = Pinned(Image.parse(reference), uid, "", why, binaries)
    return replace(made, tested=made.version if tested is None else tested)
