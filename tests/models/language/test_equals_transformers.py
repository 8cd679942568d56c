"""Random weights of Hugging Face's networks, through our maps, give their outputs to 1e-5. Needs `transformers`."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Schema, Tokens
from bakeoff.models import load
from bakeoff.models.language.bert import Bert
from bakeoff.models.language.bert import Size as BertSize
from bakeoff.models.language.gpt2 import GPT2
from bakeoff.models.language.gpt2 import Size as GPTSize
from bakeoff.models.language.llama import Llama, Stretch
from bakeoff.models.language.llama import Size as LlamaSize
from bakeoff.models.weights import load_tensors, save_tensors

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

VOCABULARY, STEPS = 97, 13
LENGTHS = torch.tensor([13, 4, 9])


def tokens() -> Tensor:
    return torch.randint(1, VOCABULARY, (3, STEPS), generator=torch.Generator().manual_seed(0))


def real() -> Tensor:
    return torch.arange(STEPS) < LENGTHS[:, None]


def randomised(module: nn.Module) -> nn.Module:
    """Every tensor random, biases and norms too, so that none is left at a value that hides a wrong map."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.normal_(std=0.3, generator=generator)
            if "norm" in name.lower() or "ln_" in name:
                parameter.add_(1.0)
    return module.eval()


def put_in(ours: nn.Module, theirs: nn.Module) -> nn.Module:
    from bakeoff.models.language import bert, gpt2, llama

    layouts = {"bert": bert.HUGGING_FACE, "gpt2": gpt2.HUGGING_FACE, "llama": llama.HUGGING_FACE}
    load_tensors(ours, theirs.state_dict(), layouts={"hf": layouts[type(ours).__module__.split(".")[-1]]})
    return ours.eval()


def test_bert_equals_transformers() -> None:
    from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel

    sizes: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
    config = BertConfig(vocab_size=VOCABULARY, intermediate_size=128, num_labels=5, **sizes)
    size = BertSize(layers=3, width=32, heads=4)
    ids, segments, mask = tokens(), (tokens() % 2), real()[..., None]
    with torch.no_grad():
        theirs = randomised(BertModel(config))
        ours = put_in(Bert(VOCABULARY, 5, size, head="none"), theirs)
        expected = theirs(ids, attention_mask=real().long(), token_type_ids=segments)
        states = ours(ids, LENGTHS, segments)
        torch.testing.assert_close(states * mask, expected.last_hidden_state * mask, rtol=0, atol=1e-5)
        torch.testing.assert_close(ours.pooled(states), expected.pooler_output, rtol=0, atol=1e-5)

        classifier = randomised(BertForSequenceClassification(config))
        ours = put_in(Bert(VOCABULARY, 5, size), classifier)
        logits = classifier(ids, attention_mask=real().long()).logits
        torch.testing.assert_close(ours(ids, LENGTHS), logits, rtol=0, atol=1e-5)
        ours.layers[1].get_submodule("attention.key").weight[0] += 0.1
        assert (ours(ids, LENGTHS) - logits).abs().max() > 1e-4

        words = randomised(BertForMaskedLM(config))
        ours = put_in(Bert(VOCABULARY, 5, size, head="language_model"), words)
        expected_words = words(ids, attention_mask=real().long()).logits
        torch.testing.assert_close(ours(ids, LENGTHS) * mask, expected_words * mask, rtol=1e-5, atol=1e-5)


def test_files_of_2018_fit_with_all_their_heads_and_old_names() -> None:
    """Google's files have the pooler and both pre-training heads, and call a norm's weight gamma."""
    from transformers import BertConfig, BertForPreTraining

    from bakeoff.models.language.bert import LAYOUTS

    sizes: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    theirs = randomised(BertForPreTraining(BertConfig(vocab_size=VOCABULARY, intermediate_size=128, **sizes)))
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in theirs.state_dict().items()
    }
    words = Bert(VOCABULARY, 5, BertSize(layers=2, width=32, heads=4), head="language_model").eval()
    assert load_tensors(words, old, layouts=LAYOUTS) == "huggingface_pretraining"
    states = Bert(VOCABULARY, 5, BertSize(layers=2, width=32, heads=4), head="none").eval()
    assert load_tensors(states, old, layouts=LAYOUTS, new_head=True) == "huggingface"
    with torch.no_grad():
        expected = theirs(tokens(), output_hidden_states=True)
        torch.testing.assert_close(words(tokens()), expected.prediction_logits, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(states(tokens()), expected.hidden_states[-1], rtol=0, atol=1e-5)


def test_gpt2_equals_transformers() -> None:
    from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=32,
        n_layer=3,
        n_head=4,
        num_labels=5,
        pad_token_id=0,
        eos_token_id=0,
        bos_token_id=0,
    )
    size = GPTSize(layers=3, width=32, heads=4)
    ids = tokens()
    with torch.no_grad():
        theirs = randomised(GPT2LMHeadModel(config))
        ours = put_in(GPT2(VOCABULARY, 5, size, head="language_model"), theirs)
        expected = theirs(ids).logits
        torch.testing.assert_close(ours(ids), expected, rtol=1e-5, atol=1e-5)
        ours.layers[2].get_submodule("down").bias[3] += 0.1
        assert (ours(ids) - expected).abs().max() > 1e-4

        classifier = randomised(GPT2ForSequenceClassification(config))
        ours = put_in(GPT2(VOCABULARY, 5, size), classifier)
        padded = ids * real()  # their classifier finds the end by the padding token 0
        expected = classifier(padded, attention_mask=real().long()).logits
        torch.testing.assert_close(ours(padded, LENGTHS), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("stretched", [False, True], ids=["rotary", "stretched rotary"])
def test_llama_equals_transformers(stretched: bool) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": 10_000.0}
    if stretched:
        rope = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 16, "rope_theta": 10_000.0}  # fmt: skip
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=48, rms_norm_eps=1e-6, rope_parameters=rope,
    )  # fmt: skip
    stretch = Stretch(factor=32.0, low=1.0, high=4.0, original=16)
    size = LlamaSize(
        layers=3, width=32, heads=4, groups=2, inner=48, epsilon=1e-6, stretch=stretch if stretched else None
    )
    ids = tokens()
    with torch.no_grad():
        theirs = randomised(LlamaForCausalLM(config))
        ours = put_in(Llama(VOCABULARY, 5, size, head="language_model"), theirs)
        expected = theirs(ids).logits
        torch.testing.assert_close(ours(ids), expected, rtol=1e-5, atol=1e-5)
        ours.layers[0].get_submodule("attention.value").weight[0] += 0.1
        assert (ours(ids) - expected).abs().max() > 1e-4


def test_published_layouts_have_exactly_our_tensors(tmp_path: Path) -> None:
    """GPT-2 and BERT-base at their full size, written as a publisher writes them and read by name."""
    from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

    ids = tokens()
    for name, theirs, words, options in (
        ("gpt2", GPT2LMHeadModel(GPT2Config()), 50_257, {"head": "language_model"}),
        ("bert_base", BertModel(BertConfig()), 30_522, {"head": "none"}),
    ):
        schema = Schema(
            input=Tokens(vocabulary_size=words, length=STEPS), target=Classes(names=("no", "yes"))
        )
        theirs.eval()
        path = tmp_path / f"{name}.safetensors"
        save_tensors(theirs.state_dict(), path)
        ours = load(name, path, schema=schema, layout="huggingface", **options).eval()
        counted = sum(parameter.numel() for parameter in ours.parameters())
        assert counted == sum(parameter.numel() for parameter in theirs.parameters())
        with torch.no_grad():
            expected = theirs(ids)[0]
            torch.testing.assert_close(ours(ids), expected, rtol=0, atol=1e-5)
        words_vector = next(iter(ours.parameters()))
        fine_tuned = load(name, path, schema=schema, new_head=True)  # a classifier on the published body
        torch.testing.assert_close(next(iter(fine_tuned.parameters())), words_vector, rtol=0, atol=0)
        assert fine_tuned(ids).shape == (3, 2)
        path.unlink()
