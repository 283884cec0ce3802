"""Models of the real architectures, but tiny and with random weights, in folders as the real ones.

These tests run by `./cap test --neural`, in an environment that has the extra [neural].
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import pytest

from cap_common.config import read_config
from cap_perception.parameters import PerceptionParameters
from cap_perception.types import CameraFrame

CONFIG = Path(__file__).parents[4] / 'config' / 'perception.yaml'
collect_ignore_glob = [] if find_spec('torch') and find_spec('tensorflow') else ['test_*.py']


@pytest.fixture(scope='session')
def parameters() -> PerceptionParameters:
    """As config/perception.yaml has them."""
    return read_config(CONFIG, 'perception', PerceptionParameters)


@pytest.fixture
def frame() -> CameraFrame:
    """A picture of blobs, wider than high, and depth that does not matter."""
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 256, (6, 8, 3)).repeat(20, axis=0).repeat(20, axis=1).astype(np.uint8)
    depth = np.ones(rgb.shape[:2], np.float32)
    return CameraFrame(rgb, depth, np.eye(3), np.eye(4), 0)


@pytest.fixture(scope='session')
def clip_tokenizer() -> Callable[[Path, int], Any]:
    """Saves CLIP's tokenizer, with letters for words, and for texts so long."""
    from transformers import CLIPTokenizerFast

    def save(folder: Path, length: int) -> Any:
        letters = [*ascii_lowercase, '.', '-']
        words = [*letters, *(f'{letter}</w>' for letter in letters)]
        words += ['<|startoftext|>', '<|endoftext|>']
        tokenizer = CLIPTokenizerFast(
            vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=length
        )
        tokenizer.save_pretrained(folder)
        return tokenizer

    return save


@pytest.fixture(scope='session')
def owlv2_folder(
    tmp_path_factory: pytest.TempPathFactory, clip_tokenizer: Callable[[Path, int], Any]
) -> Path:
    """OWLv2 with pictures of 96 px."""
    import torch
    from transformers import (
        Owlv2Config,
        Owlv2ForObjectDetection,
        Owlv2ImageProcessorPil,
        Owlv2Processor,
    )

    folder = tmp_path_factory.mktemp('owlv2')
    tokenizer = clip_tokenizer(folder, 32)
    torch.manual_seed(1)
    small = {'hidden_size': 16, 'intermediate_size': 16, 'num_hidden_layers': 1}
    config = Owlv2Config(
        text_config={
            **small,
            'num_attention_heads': 2,
            'vocab_size': len(tokenizer),
            'max_position_embeddings': 32,
            'bos_token_id': tokenizer.bos_token_id,
            'eos_token_id': tokenizer.eos_token_id,
            'pad_token_id': tokenizer.pad_token_id,
        },
        vision_config={**small, 'num_attention_heads': 2, 'image_size': 96, 'patch_size': 16},
        projection_dim=16,
    )
    Owlv2ForObjectDetection(config).save_pretrained(folder)
    pictures = Owlv2ImageProcessorPil(size={'height': 96, 'width': 96})
    Owlv2Processor(image_processor=pictures, tokenizer=tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope='session')
def grounding_dino_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grounding DINO with 20 queries."""
    import torch
    from transformers import (
        BertTokenizerFast,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessorPil,
        GroundingDinoProcessor,
    )

    folder = tmp_path_factory.mktemp('grounding_dino')
    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '.', 'red', 'blue', 'cube', 'bow', '##l']
    # The model looks for the ids of these in the published vocabulary.
    words += [f'[unused{i}]' for i in range(len(words), 1100)]
    words[101], words[102], words[1012], words[1029] = '[CLS]', '[SEP]', '.', '?'
    words[2], words[3], words[5] = '[unused2]', '[unused3]', '[unused5]'
    tokenizer = BertTokenizerFast(vocab={word: i for i, word in enumerate(words)})
    torch.manual_seed(2)
    config = GroundingDinoConfig(
        backbone_config={
            'model_type': 'swin',
            'image_size': 64,
            'embed_dim': 8,
            'depths': [1, 1, 1, 1],
            'num_heads': [1, 1, 1, 1],
            'window_size': 4,
            'out_features': ['stage2', 'stage3', 'stage4'],
        },
        text_config={
            'model_type': 'bert',
            'vocab_size': len(words),
            'hidden_size': 16,
            'num_hidden_layers': 1,
            'num_attention_heads': 2,
            'intermediate_size': 16,
        },
        d_model=32,
        num_queries=20,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        max_text_len=32,
    )
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    pictures = GroundingDinoImageProcessorPil(size={'shortest_edge': 96, 'longest_edge': 160})
    GroundingDinoProcessor(image_processor=pictures, tokenizer=tokenizer).save_pretrained(folder)
    return folder
