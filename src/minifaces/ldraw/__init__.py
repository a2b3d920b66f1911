"""From the LDraw parts library to photoreal faces: parts, prints, stages, composing.

No model is known here. `Library` reads parts, `head` holds the surface they share, `designs` lists the
printed faces, `prints` bakes them to textures, `stages` traces the light, `compose` joins the two."""
