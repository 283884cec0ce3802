"""Text embeddings for ViLD, by a tiny CLIP."""

import sys

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, CLIPTextConfig, CLIPTextModelWithProjection

from cap_perception.detectors import vild_texts
from cap_perception.detectors.vild import load_embeddings


@pytest.fixture(scope='module')
def folder(tmp_path_factory, clip_tokenizer):
    folder = tmp_path_factory.mktemp('clip')
    tokenizer = clip_tokenizer(folder, 64)
    torch.manual_seed(12)
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        projection_dim=8,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    CLIPTextModelWithProjection(config).save_pretrained(folder)
    return folder


def test_the_file_is_what_the_detector_reads(folder, tmp_path, monkeypatch):
    out = tmp_path / 'texts.npz'
    monkeypatch.setattr(sys, 'argv', ['vild_texts', str(folder), str(out), 'red cube', 'egg'])
    assert vild_texts.main() == 0
    texts = load_embeddings(out)
    assert sorted(texts) == ['background', 'egg', 'red cube']
    assert all(text.shape == (8,) for text in texts.values())
    assert not np.allclose(texts['egg'], texts['red cube'])


def test_an_embedding_is_the_mean_of_the_sentences(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = CLIPTextModelWithProjection.from_pretrained(folder).eval()
    sentences = vild_texts._sentences('egg')
    assert sentences[0] == 'a photo of an egg.'
    total = np.zeros(8)
    for sentence in sentences:
        with torch.inference_mode():
            text = model(**tokenizer(sentence, return_tensors='pt')).text_embeds[0].numpy()
        total += text / np.linalg.norm(text)
    expected = total / np.linalg.norm(total)
    np.testing.assert_allclose(vild_texts.embed(str(folder), ['egg'])['egg'], expected, atol=1e-5)
