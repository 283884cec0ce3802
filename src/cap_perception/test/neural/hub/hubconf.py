"""Stands in for the hubconf.py of MDETR's repository: the same calls and outputs, tiny."""

import torch
from torch import nn
from transformers import RobertaModel, RobertaTokenizerFast

dependencies = ['torch']

HIDDEN, QUERIES = 16, 12


class Transformer(nn.Module):
    """The text encoder, by its name alone, and a decoder that looks at text and picture."""

    def __init__(self, text_encoder='roberta-base'):
        super().__init__()
        self.tokenizer = RobertaTokenizerFast.from_pretrained(text_encoder)
        self.text_encoder = RobertaModel.from_pretrained(text_encoder)
        self.resizer = nn.Linear(self.text_encoder.config.hidden_size, HIDDEN)
        self.decoder = nn.TransformerDecoderLayer(HIDDEN, 2, 32, batch_first=True)

    def encode(self, features, captions):
        tokenized = self.tokenizer.batch_encode_plus(
            captions, padding='longest', return_tensors='pt'
        )
        text = self.resizer(self.text_encoder(**tokenized).last_hidden_state)
        return torch.cat([features.flatten(2).transpose(1, 2), text], dim=1)


class MDETR(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = Transformer()
        self.class_embed = nn.Linear(HIDDEN, 256)
        self.bbox_embed = nn.Linear(HIDDEN, 4)
        self.query_embed = nn.Embedding(QUERIES, HIDDEN)
        self.backbone = nn.Conv2d(3, HIDDEN, 32, stride=32)

    def forward(self, samples, captions, encode_and_save=True, memory_cache=None):
        if encode_and_save:
            assert memory_cache is None
            return {'memory': self.transformer.encode(self.backbone(samples), captions)}
        return self.decode(memory_cache['memory'])[0]

    def decode(self, memory):
        hs = self.transformer.decoder(self.query_embed.weight[None], memory)
        return {
            'pred_logits': self.class_embed(hs),
            'pred_boxes': self.bbox_embed(hs).sigmoid(),
        }, hs


class DETRsegm(nn.Module):
    def __init__(self, detr):
        super().__init__()
        self.detr = detr
        self.mask_head = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, samples, captions):
        features = self.detr.backbone(samples)
        out, hs = self.detr.decode(self.detr.transformer.encode(features, captions))
        out['pred_masks'] = torch.einsum('bqc,bchw->bqhw', self.mask_head(hs), features)
        return out


def mdetr_tiny(pretrained=False, return_postprocessor=False):
    assert not pretrained
    return MDETR()


def mdetr_tiny_phrasecut(pretrained=False, threshold=0.5, return_postprocessor=False):
    assert not pretrained
    return DETRsegm(MDETR())
