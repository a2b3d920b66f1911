"""Grids, strips, animations and the map picture, all made of (n, H, W, 3) uint8 faces."""

from minifaces.images import read_picture, save_picture, square
from minifaces.pictures.animation import check_animation, save_animation
from minifaces.pictures.layout import captioned, grid, pairs, strip
from minifaces.pictures.map import cluster_crops, draw_map, snap_to_grid
from minifaces.pictures.shown import Frames, Pictures, show

__all__ = [
    "Frames",
    "Pictures",
    "captioned",
    "check_animation",
    "cluster_crops",
    "draw_map",
    "grid",
    "pairs",
    "read_picture",
    "save_animation",
    "save_picture",
    "show",
    "snap_to_grid",
    "square",
    "strip",
]
