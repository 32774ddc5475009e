"""LogicVista: the options stand in the question or the picture, and several letters may be right."""

from vzero.benchmarks.declaration import Benchmark, Form, Published

LOGICVISTA = Benchmark(
    name="logicvista",
    forms=(
        Form(files="*.tsv", item="index", options="none", prompt="question", category="skill"),
        Form(files="*.parquet", item="index", options="none", prompt="question", category="skill"),
    ),
    wording="vlmevalkit",
    reader="vlmevalkit-exact",
    open_reader="vzero",
    published=Published("lscpku/LogicVista", ("data/*.parquet",)),
    source="https://github.com/Yijia-Xiao/LogicVista",
)
