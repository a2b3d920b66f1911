"""Any pictures in, a data set out: collect, import, split, frame, screen, review. No model is needed for it."""
