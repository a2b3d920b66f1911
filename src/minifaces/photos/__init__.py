"""Any pictures in, a data set out: collect, import, cut, frame, screen, review. No model is needed for it."""
