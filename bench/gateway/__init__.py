"""Measures the gateway beside nginx, vllm-router and LiteLLM, all in one run on one core each."""
