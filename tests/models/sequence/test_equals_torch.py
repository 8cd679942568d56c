"""Weights of torch's own recurrent networks and Transformer, through our maps, give their outputs to 1e-5."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from bakeoff.errors import ModelError
from bakeoff.models.sequence.encoder import TORCH_ENCODER, TORCH_TRANSFORMER, Transformer
from bakeoff.models.sequence.rnns import Recurrence
from bakeoff.models.sequence.tcn import CausalConv
from bakeoff.models.weights import load_tensors

LENGTHS = torch.tensor([11, 3, 7, 1])


@pytest.mark.parametrize("bidirectional", [False, True], ids=["one direction", "two directions"])
@pytest.mark.parametrize(("cell", "reference"), [("elman", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)])
def test_recurrent_networks_equal_torchs(cell: str, reference: type[nn.RNNBase], bidirectional: bool) -> None:
    """Three layers, sequences of different lengths, as packed sequences there and with `lengths` here."""
    torch.manual_seed(0)
    theirs = reference(5, 8, num_layers=3, bidirectional=bidirectional, batch_first=True)
    ours = Recurrence(cell, 5, 8, layers=3, bidirectional=bidirectional)
    assert load_tensors(ours, theirs.state_dict()) == "bakeoff"  # the names are torch's
    inputs = torch.randn(4, 11, 5)
    packed = pack_padded_sequence(inputs, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)
    last = theirs(packed)[1]
    last = (last[0] if cell == "lstm" else last).unflatten(0, (3, -1))[-1].transpose(0, 1).flatten(1)
    real = (torch.arange(11) < LENGTHS[:, None])[..., None]
    states = ours(inputs, LENGTHS)
    torch.testing.assert_close(states * real, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.summary(states, LENGTHS), last, rtol=0, atol=1e-5)
    with torch.no_grad():
        ours.weight_hh_l2[0] += 0.1
    assert ((ours(inputs, LENGTHS) * real) - expected).abs().max() > 1e-4


def test_a_causal_convolution_equals_torchs_with_weight_norm() -> None:
    torch.manual_seed(0)
    theirs = weight_norm(nn.Conv1d(3, 5, 4, dilation=2, padding=6))
    ours = CausalConv(3, 5, 4, dilation=2)
    inputs = torch.randn(2, 3, 20)
    with torch.no_grad():
        ours.direction.copy_(theirs.parametrizations.weight.original1)
        ours.length.copy_(2 * theirs.parametrizations.weight.original0)
        ours.bias.copy_(theirs.bias)
        assert (ours(inputs) - theirs(inputs)[..., :-6]).abs().max() > 1e-2
        ours.length.div_(2)
        torch.testing.assert_close(ours(inputs), theirs(inputs)[..., :-6])


def randomised(module: nn.Module) -> nn.Module:
    """Each layer its own weights (torch starts all layers of an encoder at the same ones), biases and norms too."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.3)
    return module.eval()


def test_encoder_and_decoder_equal_torchs_transformer() -> None:
    torch.manual_seed(0)
    theirs = randomised(nn.Transformer(32, 4, 2, 2, 64, batch_first=True))
    theirs.encoder.use_nested_tensor = False  # a prototype of torch's that warns
    ours = Transformer(width=32, heads=4, layers=2, inner=64, final_norm=True).eval()
    assert load_tensors(ours, theirs.state_dict(), layouts={"torch": TORCH_TRANSFORMER}) == "torch"
    x, y = torch.randn(4, 11, 32), torch.randn(4, 6, 32)
    padding = torch.arange(11) >= LENGTHS[:, None]
    future = nn.Transformer.generate_square_subsequent_mask(6).isinf()
    with torch.no_grad():
        expected = theirs(
            x,
            y,
            tgt_mask=future,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,
        )
        torch.testing.assert_close(ours(x, y, LENGTHS), expected, rtol=0, atol=1e-5)
        ours.decoder_layers[1].get_submodule("source_attention.out").bias[0] += 0.1
        assert (ours(x, y, LENGTHS) - expected).abs().max() > 1e-4


def test_the_encoder_equals_torchs_and_a_tensor_too_few_is_named() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    theirs = randomised(nn.TransformerEncoder(layer, 3, enable_nested_tensor=False))
    ours = Transformer(width=32, heads=4, layers=3, inner=64, decoder=False).eval()
    load_tensors(ours, theirs.state_dict(), layouts={"torch": TORCH_ENCODER})
    x = torch.randn(4, 11, 32)
    with torch.no_grad():
        expected = theirs(x, src_key_padding_mask=torch.arange(11) >= LENGTHS[:, None])
        torch.testing.assert_close(ours.encode(x, LENGTHS), expected, rtol=0, atol=1e-5)
        ours.encoder_layers[0].get_submodule("feed_forward.down").weight[0] += 0.1
        assert (ours.encode(x, LENGTHS) - expected).abs().max() > 1e-4
    tensors = theirs.state_dict()
    del tensors["layers.2.linear1.bias"]
    with pytest.raises(ModelError, match=r"missing 'encoder_layers.2.*theirs: 'layers.2.linear1.bias'"):
        load_tensors(ours, tensors, layouts={"torch": TORCH_ENCODER})
