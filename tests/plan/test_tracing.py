"""What is counted as a kernel, a byte, a wait and memory, by hand on a few operations."""

from __future__ import annotations

import torch

from vzero.plan.fake import fake_zeros
from vzero.plan.tracing import Counts, Functions, Stopwatch, Tally, folded


def test_a_product_reads_both_factors_and_writes_the_result():
    a, b = fake_zeros(4, 8), fake_zeros(8, 16)
    with Tally() as tally:
        c = a @ b
    assert (tally.kernels, tally.syncs) == (1, 0)
    assert tally.bytes == 4 * (4 * 8 + 8 * 16 + 4 * 16)
    assert tally.fp32_flops == 2 * 4 * 8 * 16
    assert tally.live == c.numel() * 4


def test_products_of_sixteen_bits_are_not_among_those_of_float32():
    a = fake_zeros(4, 4, dtype=torch.bfloat16)
    with Tally() as tally:
        torch.addmm(a, a, a)
    assert (tally.kernels, tally.fp32_flops) == (1, 0)


def test_a_view_is_no_kernel_and_takes_no_memory():
    a = fake_zeros(4, 8)
    with Tally() as tally:
        a.view(8, 4).transpose(0, 1)[2:].unsqueeze(0)
    assert (tally.kernels, tally.bytes, tally.live) == (0, 0, 0)


def test_what_is_written_in_place_was_there_before():
    a = fake_zeros(100)
    with Tally() as tally:
        a += 1
    assert (tally.kernels, tally.bytes, tally.live) == (1, 2 * 400, 0)


def test_the_peak_is_what_was_alive_at_once_and_freed_memory_is_not():
    a = fake_zeros(100)
    with Tally() as tally:
        b = a + 1
        c = b + 1
        del b
        c = c + 1
    assert tally.peaks == {"": 2 * 400}
    assert tally.live == 400
    del c
    assert tally.live == 0


def test_a_gather_reads_as_much_as_it_writes():
    table = fake_zeros(1000, 8)
    with Tally() as tally:
        torch.nn.functional.embedding(torch.tensor([1, 2, 3]), table)
    assert tally.bytes == 2 * 3 * 8 * 4


def test_what_is_put_into_places_of_a_tensor_is_written_and_the_rest_of_it_is_not():
    table, rows = fake_zeros(1000, 8), fake_zeros(3, 8)
    places = torch.tensor([1, 2, 3])
    with Tally() as tally:
        table[places] = rows
        table.index_copy_(0, places, rows)
        table.scatter_(0, places[:, None].expand(3, 8), rows)
    assert (tally.kernels, tally.bytes) == (3, 3 * 2 * 3 * 8 * 4)


def test_what_a_card_does_in_one_kernel_is_one():
    """A CPU takes a norm apart: squares, their mean, a root, two products."""
    a, weight = fake_zeros(4, 8), fake_zeros(8)
    norm = torch.nn.functional.rms_norm
    with Tally() as apart:
        norm(a, (8,), weight)
    with Tally() as tally, Functions(tally):
        norm(a, (8,), weight)
    assert apart.kernels > 4
    assert (tally.kernels, tally.bytes) == (1, 4 * (2 * 4 * 8 + 8))


def test_a_list_of_values_is_waited_for():
    a = torch.tensor([True, False])
    with Tally() as tally, Functions(tally):
        a.tolist()
    assert tally.syncs == 1


def test_a_value_that_the_processor_waits_for_is_a_sync():
    a = torch.tensor([0.0, 1.0])
    with Tally() as tally:
        a[0].item()
        a.nonzero()
    assert tally.syncs == 2


def test_stages_are_apart_and_each_has_the_peak_of_its_highest_place():
    layer = torch.nn.Identity()
    watch = Stopwatch(lambda: 0, {"layer": [layer]})
    layer.register_forward_hook(lambda module, inputs, output: (output + 1) + 1)
    a = fake_zeros(100)
    with watch.running():
        with watch.stage("first"):
            b = a + 1
        with watch.stage("second"):
            layer(b)
    stages = folded(watch.stages)
    assert stages["first"] == Counts(bytes=800, kernels=1, peak=400, held=400)
    assert stages["second"] == Counts(bytes=1600, kernels=2, peak=1200, held=400)


def test_counts_add_up_and_scale():
    one = Counts(flops=1, bytes=2, kernels=3, peak=4)
    assert one + one * 2 == Counts(flops=3, bytes=6, kernels=9, peak=12)
