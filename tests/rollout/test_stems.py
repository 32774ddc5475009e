"""What many texts begin with is run once: fewest tokens, every text whole again."""

from __future__ import annotations

from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st

from vzero.rollout.stems import SHARED_BY, stems

TEXTS = st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=6).map(tuple), min_size=1, max_size=24)


def tokens_run(texts: dict[int, tuple[int, ...]], lengths: dict[int, int]) -> int:
    once = {texts[number][:length] for number, length in lengths.items()}
    return sum(map(len, once)) + sum(len(text) - lengths[number] for number, text in texts.items())


def test_a_question_in_many_orders_is_run_once_and_the_options_each_time():
    question, other = (1, 2, 3, 4, 5), (1, 2, 9, 9, 9)
    orders = list(permutations([20, 21, 22, 23]))[2 : 2 + SHARED_BY]
    texts = dict(enumerate([*(question + order for order in orders), *(other + order for order in orders)]))
    # The orders begin with 20 and with 21; both questions begin with two tokens.
    lengths = stems(texts)
    assert set(lengths.values()) == {5}
    assert tokens_run(texts, lengths) == 2 * (5 + SHARED_BY * 4)


def test_for_a_few_texts_nothing_is_run_apart():
    texts = {number: (7,) * 50 + (number,) for number in range(SHARED_BY - 1)}
    assert set(stems(texts).values()) == {0}
    texts[99] = (7,) * 50 + (99,)
    assert set(stems(texts).values()) == {50}


def test_of_equal_texts_one_token_is_left():
    assert set(stems(dict.fromkeys(range(SHARED_BY), (5, 6, 7))).values()) == {2}


@given(TEXTS)
def test_texts_share_what_they_begin_with_and_keep_at_least_one_token(found: list[tuple[int, ...]]):
    texts = dict(enumerate(found))
    lengths = stems(texts)
    assert lengths.keys() == texts.keys()
    assert all(0 <= lengths[number] < len(text) for number, text in texts.items())
    shared = [texts[number][:length] for number, length in lengths.items() if length]
    assert all(shared.count(stem) >= SHARED_BY for stem in shared)
    assert tokens_run(texts, lengths) <= sum(map(len, texts.values()))


@given(st.lists(st.lists(st.integers(0, 1), min_size=2, max_size=4).map(tuple), min_size=8, max_size=9))
def test_no_one_stem_for_all_runs_fewer_tokens(found: list[tuple[int, ...]]):
    texts = dict(enumerate(found))
    best = tokens_run(texts, stems(texts))
    common = 0
    while all(len(text) > common + 1 for text in found) and all(
        one[: common + 1] == other[: common + 1] for one, other in combinations(found, 2)
    ):
        common += 1
    assert best <= tokens_run(texts, dict.fromkeys(texts, common))
