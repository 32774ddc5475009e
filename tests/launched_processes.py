"""Two processes as `accelerate launch` starts them, without the launcher, which imports torch three times."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_multi_gpu_env

CONFIGS = Path(__file__).parents[1] / "configs" / "accelerate"
WHOLE, SHARDED = "cpu_2_processes", "cpu_2_processes_fsdp2"


def launch_arguments(config: str) -> Namespace:
    """What `accelerate launch` makes of a config, on the second of several machines."""
    options = [
        "--config_file",
        str(CONFIGS / f"{config}.yaml"),
        "--machine_rank",
        "1",
        "-m",
        "vzero",
        "train",
    ]
    return _validate_launch_command(launch_command_parser().parse_args(options))[0]


def launched_environments(config: str) -> list[dict[str, str]]:
    """What each of two processes finds in its environment when `accelerate launch` starts it."""
    arguments = launch_arguments(config)
    shared = prepare_multi_gpu_env(arguments) | {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(arguments.main_process_port),
        "WORLD_SIZE": "2",
    }
    return [shared | {"RANK": rank, "LOCAL_RANK": rank} for rank in "01"]
