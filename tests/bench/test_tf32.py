"""TF32 as it is computed here: 10 bits of a mantissa are left."""

from __future__ import annotations

import torch

from bench.tf32 import tf32


def test_ten_bits_of_the_mantissa_are_left_and_no_number_grows():
    kept = torch.tensor([1.0, 1.0 + 2**-10, -1.5, 3.0 * 2**-20, 0.0])
    assert torch.equal(tf32(kept), kept)
    cut = torch.tensor([1.0 + 2**-11, -(1.0 + 2**-10 + 2**-23)])
    assert torch.equal(tf32(cut), torch.tensor([1.0, -(1.0 + 2**-10)]))


def test_products_differ_by_less_than_a_thousandth_of_their_factors_lengths():
    torch.manual_seed(0)
    left, right = torch.randn(8, 512), torch.randn(512, 8)
    bound = 2**-9 * left.norm(dim=1)[:, None] * right.norm(dim=0)
    difference = (tf32(left) @ tf32(right) - left @ right).abs()
    assert (difference <= bound).all()
    assert difference.max() > 0
