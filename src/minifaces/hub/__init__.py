"""Models and data sets on the Hugging Face Hub, by the library huggingface_hub (the extra `hub`): its log-in, its
cache, HF_ENDPOINT and HF_HUB_OFFLINE hold. Nothing here is imported or reached unless asked for."""
