"""The map: every face drawn at its place, so that alike faces lie side by side.

    save_picture("map.png", draw_map(faces, coordinates, size=4096))
    save_picture("tiles.png", draw_map(faces, snap_to_grid(coordinates), face=None))

Coordinates are (n, 2) numbers in any unit: x to the right, y downwards. They are scaled to the picture,
x and y alike."""

import math
import sys

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minifaces.arrays import Doubles, Pixels
from minifaces.checks import numbers, whole, within
from minifaces.errors import MinifacesError, UsageError, needs
from minifaces.images import check_faces, resize
from minifaces.keptmap import known
from minifaces.pictures.shown import Pictures

LARGEST_MAP = 16384
"""The longest side of a map in pixels: 0.8 GB of memory, and as much again while it is saved."""

_SIDE, _FACE = "the side of a map in pixels", "the side of a face on this map"
_MARGIN = 0.02  # of the map's size
_MOST_ASSIGNED = 1024  # cells of a grid that are assigned at once: time grows with the third power


def draw_map(thumbnails: Pixels, coordinates: ArrayLike, size: int = 2048, face: int | None = 48) -> Pictures:
    """Draw (n, H, W, 3) uint8 thumbnails at their (n, 2) coordinates: (size, size, 3) uint8 on white.

    Each is resized to fit `face` x `face` pixels; where they overlap, the later one lies on top. With
    `face=None` they are as large as they can be without overlapping, for coordinates from `snap_to_grid`.
    Raises UsageError for a size above `LARGEST_MAP` or coordinates that do not fit the thumbnails,
    MinifacesError where the memory does not suffice."""
    thumbnails, places = check_faces(thumbnails), _places(thumbnails, coordinates)
    size = whole(_SIDE, size, 16, LARGEST_MAP)
    face = _largest_face(places, size) if face is None else whole(_FACE, face, 1, size)
    canvas = _white(size)
    _draw(canvas, thumbnails, _to_pixels(places, size, face), face)
    return canvas.view(Pictures)


def cluster_crops(
    thumbnails: Pixels,
    coordinates: ArrayLike,
    clusters: int = 6,
    size: int = 2048,
    face: int = 48,
    crop: int = 640,
    zoom: float = 3.0,
) -> Pictures:
    """Look closer at the map that `draw_map` makes of the same arguments: (k, crop, crop, 3) uint8, k = `clusters` or
    as many as there are different places.

    The coordinates are divided into clusters by k-means (always the same way), and of each the square of crop / zoom
    pixels of the map that holds most faces is drawn anew. Distances grow `zoom` times but faces only by its square
    root, so that they come apart. The cluster of most faces comes first. A zoom is 0.01 to 100."""
    needs("looking closer at a map's clusters", "map", "sklearn")
    from sklearn.cluster import KMeans  # slow to import
    from threadpoolctl import threadpool_limits

    thumbnails, found = check_faces(thumbnails), _places(thumbnails, coordinates)
    clusters = min(whole("the number of clusters", clusters, 1, sys.maxsize), len(np.unique(found, axis=0)))
    size = whole(_SIDE, size, 16, LARGEST_MAP)
    face = whole(_FACE, face, 1, size)
    crop = whole("the side of a crop in pixels", crop, 1, LARGEST_MAP)
    zoom = within("a zoom", zoom, 0.01, 100)
    with threadpool_limits(1, "openmp"):  # whose threads a forked child would wait for without end
        means = KMeans(clusters, n_init=4, random_state=0).fit(found)
    by_count = np.argsort(-np.bincount(means.labels_, minlength=clusters), kind="stable")
    places = _to_pixels(found, size, face) * zoom
    crops = []
    for cluster in by_count:
        members = places[means.labels_ == cluster]
        apart = np.abs(members[:, None] - members).max(-1)
        middle = members[np.argmax((apart < crop / 2).sum(1))]
        canvas = _white(crop)
        _draw(canvas, thumbnails, places - middle + crop / 2, max(1, round(face * math.sqrt(zoom))))
        crops.append(canvas)
    return np.stack(crops).view(Pictures)


def snap_to_grid(coordinates: ArrayLike) -> Doubles:
    """Move (n, 2) coordinates to different cells of a square grid, so that neighbours stay neighbours.

    Returns (n, 2) float64 whole numbers, column and row, from 0 to ceil(sqrt(n)) - 1. Up to 1024 cells are
    shared out at the least sum of squared distances (linear assignment). A larger grid is first halved
    again and again, and the faces with it by their order along its longer side, until its parts have
    1024 cells. Measured with 3000 faces, this keeps as many neighbours as one assignment (58 to 61 in a
    hundred of the nearest eight) in a twentieth of the time."""
    places = numbers("coordinates", coordinates).astype(np.float64)
    if places.ndim != 2 or places.shape[1] != 2:
        raise UsageError(f"coordinates must be (n, 2) finite numbers, not {places.shape}")
    kept = known("cells", places)
    return spread(places) if kept is None else kept


def spread(places: Doubles) -> Doubles:
    """The same for places that are checked, and none of it kept."""
    side = math.ceil(math.sqrt(len(places)))
    cells = np.zeros((len(places), 2))
    _share(np.arange(len(places)), places, np.zeros(2), (side, side), cells)
    return cells


def _share(
    members: NDArray[np.intp],
    coordinates: Doubles,
    corner: Doubles,
    shape: tuple[int, int],
    cells: Doubles,
) -> None:
    """Write into `cells` the cells of `members`, in the block of `shape` (columns, rows) at `corner`."""
    if len(members) == 0:
        return
    total = shape[0] * shape[1]
    if total <= _MOST_ASSIGNED:
        cells[members] = corner + _assign(coordinates[members], shape)
        return
    axis = 0 if shape[0] >= shape[1] else 1
    half = shape[axis] // 2
    first, second, step = list(shape), list(shape), np.zeros(2)
    first[axis], second[axis], step[axis] = half, shape[axis] - half, half
    # Empty cells go to both halves alike; neither gets more members than it has cells.
    cut = round(len(members) * half / shape[axis])
    order = members[np.argsort(coordinates[members, axis], kind="stable")]
    _share(order[:cut], coordinates, corner, (first[0], first[1]), cells)
    _share(order[cut:], coordinates, corner + step, (second[0], second[1]), cells)


def _assign(coordinates: Doubles, shape: tuple[int, int]) -> Doubles:
    """Stretch (n, 2) coordinates to a block of `shape` (columns, rows): the cells (n, 2) that lie nearest."""
    needs("a grid of other faces than the bundled model's", "map", "scipy")
    from scipy.optimize import linear_sum_assignment  # slow to import

    block = np.stack(np.meshgrid(np.arange(shape[0]), np.arange(shape[1])), axis=-1).reshape(-1, 2)
    low, extent = coordinates.min(axis=0), np.ptp(coordinates, axis=0)
    targets = (coordinates - low) / np.where(extent > 0, extent, 1) * (np.array(shape) - 1)
    costs = ((targets[:, None] - block[None]) ** 2).sum(axis=2)
    chosen: NDArray[np.intp] = linear_sum_assignment(costs)[1]
    return block[chosen].astype(np.float64)


def _places(thumbnails: Pixels, coordinates: ArrayLike) -> Doubles:
    places = numbers("coordinates", coordinates).astype(np.float64)
    if places.shape != (len(thumbnails), 2):
        raise UsageError(f"{len(thumbnails)} faces need ({len(thumbnails)}, 2) coordinates, not {places.shape}")
    return places


def _to_pixels(coordinates: Doubles, size: int, face: int) -> Doubles:
    """Scale coordinates to the faces' middles on a map, in pixels, with whole faces inside the margin."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    extent = float((high - low).max())
    room = max(0.0, size * (1 - 2 * _MARGIN) - face)
    scale = room / extent if extent > 0 else 1.0
    return np.asarray((coordinates - (low + high) / 2) * scale + size / 2, np.float64)


def _largest_face(coordinates: Doubles, size: int) -> int:
    """The side in pixels of the largest squares at the coordinates that do not overlap."""
    room = size * (1 - 2 * _MARGIN)
    if len(coordinates) == 1:
        return int(room)
    # The nearest two (by the larger of x and y) just touch:
    # face = apart * scale, and room = (extent + apart) * scale.
    extents = np.ptp(coordinates, axis=0)
    apart, extent = _least_apart(coordinates[:, np.argsort(-extents)]), float(extents.max())
    return max(1, int(apart * room / (extent + apart))) if apart > 0 else 1


def _least_apart(points: Doubles) -> float:
    """The least distance of two of (n, 2) points, by the larger of x and y: each is held against those that follow it
    in the order of x until they are farther off in x alone."""
    ordered = points[np.lexsort((points[:, 1], points[:, 0]))]
    least = np.inf
    for step in range(1, len(ordered)):
        off = np.abs(ordered[step:] - ordered[:-step])
        if off[:, 0].min() >= least:
            break
        least = min(least, float(off.max(axis=1).min()))
    return least


def _draw(canvas: Pixels, thumbnails: Pixels, middles: Doubles, face: int) -> None:
    """Draw thumbnails, fitted into `face` x `face` pixels, on the canvas, cut off at its edges."""
    height, width = thumbnails.shape[1:3]
    scale = face / max(height, width)
    height, width = max(1, round(height * scale)), max(1, round(width * scale))
    corners = np.floor(middles - [width / 2, height / 2] + 0.5).astype(int)
    for thumbnail, (x, y) in zip(thumbnails, corners.tolist(), strict=True):
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, canvas.shape[1]), min(y + height, canvas.shape[0])
        if left < right and top < bottom:
            pixels = resize(thumbnail, height, width)
            canvas[top:bottom, left:right] = pixels[top - y : bottom - y, left - x : right - x]


def _white(size: int) -> Pixels:
    try:
        return np.full((size, size, 3), 255, np.uint8)
    except MemoryError:
        gigabytes = size * size * 3 / 1e9
        raise MinifacesError(f"no memory for {size} x {size} pixels ({gigabytes:.1f} GB): make it smaller") from None
