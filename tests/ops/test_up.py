from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from ops.management.commands.up import lock_data_dir, require_free

pytestmark = pytest.mark.database_free
ROOT = Path(__file__).resolve().parents[2]


def test_a_second_up_on_the_same_data_refuses_and_names_the_first(tmp_path: Path) -> None:
    held = lock_data_dir(tmp_path)
    with pytest.raises(CommandError, match=f"process {os.getpid()}"):
        lock_data_dir(tmp_path)
    held.close()
    lock_data_dir(tmp_path).close()


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match="choose another with --port"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)


@pytest.mark.parametrize("arguments", [["--data-dir", "{dir}"], ["--data-dir={dir}"]])
def test_every_command_finds_the_data_directory_the_same_way(tmp_path: Path, arguments: list[str]) -> None:
    shown = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", "from django.conf import settings; print(settings.ASSAY_DATA_DIR)"]
        + [argument.format(dir=tmp_path) for argument in arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "ASSAY_DATA_DIR"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip().endswith(str(tmp_path))
