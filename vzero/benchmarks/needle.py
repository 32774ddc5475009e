"""The embedded benchmarks. They are drawn (`vzero.needle.benchmarks`), so they have no published files."""

from vzero.benchmarks.declaration import Aggregate, Benchmark


def _drawn(
    name: str, categories: tuple[str, ...], aggregate: Aggregate = "micro", *, crop_view: bool = False
) -> Benchmark:
    return Benchmark(
        name=name,
        forms=(),
        wording="vzero",
        reader="vlmevalkit-exact",
        categories=categories,
        aggregates=(aggregate,),
        crop_view=crop_view,
        source="vzero.needle",
        licence="CC0-1.0",
    )


SEARCH = _drawn("search", ("direct_attributes", "relative_position"))
CYCLIC = _drawn("cyclic", ("single", "cross"), "cyclic")
ZOOM = _drawn("zoom", ("letter", "corner"), crop_view=True)
COARSE = _drawn("coarse", ())
CHAIN = _drawn("chain", ("letter", "pair", "nearest", "triple"))
CHAIN_UNSEEN = _drawn("chain_unseen", ("letter", "pair", "nearest", "triple"))
CHAIN_COARSE = _drawn("chain_coarse", ())
