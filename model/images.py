"""An image of a container, with what was tested of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from model.cluster import Images
from model.quantities import Image


@dataclass(frozen=True)
class Pinned:
    """An image, the user it runs as, and the version of it that was tested."""

    image: Image
    uid: int
    tested: str
    """Empty when none could be."""
    why: str = ""
    """Why the tested version differs from the image's, empty when it does not."""
    binaries: Mapping[str, str] = field(default_factory=dict)
    """Path inside of the image of each program that the tests run, by the name that it has here."""

    @property
    def version(self) -> str:
        """The image's, as its server prints it."""
        return self.image.tag.removeprefix("v").partition("-")[0]

    @property
    def name(self) -> str:
        """Of its server: the first of its programs; empty when it has none that the tests run."""
        return next(iter(self.binaries), "")

    def reference(self, images: Images) -> str:
        image = self.image.on(images.registry)
        return str(replace(image, digest=images.digests.get(self.name, image.digest)))


def pinned(reference: str, uid: int, binaries: Mapping[str, str], tested: str | None = None, why: str = "") -> Pinned:
    """``tested`` is the image's own version unless another is given."""
    made = Pinned(Image.parse(reference), uid, "", why, binaries)
    return replace(made, tested=made.version if tested is None else tested)
