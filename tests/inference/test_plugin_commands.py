"""The operator's commands about plugins: what they print, and with which status they end."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from inference import keys
from inference.artefacts import verify
from inference.plugins import registry
from inference.plugins.base import AnyPlugin, Artefact, TrainingOptions
from inference.plugins.digits.plugin import Digits
from inference.plugins.registry import Broken, Scan
from tests.inference.plugins.digits import drawings
from tests.inference.plugins.stub import StubPlugin, stub_manifest

pytestmark = pytest.mark.database_free


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> Path:
    """A data directory of the test's own."""
    settings.ASSAY_DATA_DIR = tmp_path / "data"
    return tmp_path / "data"


class Trainable(StubPlugin):
    """Its training writes one number."""

    manifest = stub_manifest(artefacts=(Artefact("weights.npz"),))

    def train(self, options: TrainingOptions) -> None:
        (options.out / "weights.npz").write_bytes(f"{options.seed} {options.samples} {options.epochs}".encode())
        (options.out / "card.json").write_text('{"metrics": {"accuracy": 0.5}}')


class Failing(StubPlugin):
    def predict(self, batch: Any) -> Any:
        raise ZeroDivisionError("a stranger's mistake")


def offer(monkeypatch: pytest.MonkeyPatch, *plugins: AnyPlugin, broken: Sequence[Broken] = ()) -> None:
    """Make these the installed plugins."""
    scan = Scan({plugin.manifest.slug: plugin for plugin in plugins}, {row.slug: row for row in broken})
    monkeypatch.setattr(registry, "_scan", lambda: scan)


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue(), err.getvalue()
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((20, 20), 51, np.uint8)).save(path)
    return path


class TestPlugins:
    def test_lists_each_plugin_with_version_and_signature(self, monkeypatch: pytest.MonkeyPatch) -> None:
        offer(monkeypatch, Digits())
        status, out, _ = run("plugins")
        assert status == 0
        assert "digits 1.0.0" in out
        assert "signed by" in out

    def test_json_is_one_object_and_nothing_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        offer(monkeypatch, StubPlugin())
        status, out, _ = run("plugins", "--json", "--self-test")
        assert status == 0
        row = json.loads(out)["plugins"][0]
        assert row == {
            "slug": "stub",
            "version": "1.0.0",
            "artefacts": "none",
            "self_test": "passed: white is 1",
            "ok": True,
        }

    def test_a_broken_plugin_is_listed_and_the_status_is_1(self, monkeypatch: pytest.MonkeyPatch) -> None:
        offer(monkeypatch, StubPlugin(), broken=[Broken("bad", "a-package", "ImportError: no")])
        status, out, _ = run("plugins")
        assert status == 1
        assert "BROKEN  bad" in out
        assert "ok      stub" in out

    def test_unsigned_artefacts_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        offer(monkeypatch, Trainable())
        status, out, _ = run("plugins", "--self-test")
        assert status == 1
        assert "refused" in out

    def test_a_failing_self_test_is_seen_only_where_it_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        offer(monkeypatch, Failing())
        assert run("plugins")[0] == 0
        status, out, _ = run("plugins", "--self-test")
        assert status == 1
        assert "ZeroDivisionError" in out


class TestTrain:
    def test_the_model_lands_in_a_folder_of_its_own_signed_by_the_installation(
        self, monkeypatch: pytest.MonkeyPatch, data: Path
    ) -> None:
        offer(monkeypatch, Trainable())
        status, out, _ = run("train", "stub", "--seed", "3", "--samples", "9", "--epochs", "2")
        assert status == 0
        assert '"accuracy": 0.5' in out
        folder = next((data / "models" / "stub" / "1.0.0").iterdir())
        assert folder.name.startswith("seed3-")
        assert (folder / "weights.npz").read_text() == "3 9 2"
        own = keys.key_id(keys.installation_key(data).public_key())
        assert verify(folder, "stub", "1.0.0", keys.trusted_keys(data)).key_id == own

    def test_out_is_where_the_operator_wants_it(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        offer(monkeypatch, Trainable())
        assert run("train", "stub", "--out", str(tmp_path / "new" / "model"))[0] == 0
        assert (tmp_path / "new" / "model" / "manifest.json").exists()

    def test_a_plugin_without_training_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        offer(monkeypatch, StubPlugin())
        status, _, err = run("train", "stub")
        assert status == 1
        assert "no training" in err

    @pytest.mark.parametrize(
        "arguments",
        [
            ["no-such"],
            ["stub", "--epochs", "0"],
            ["stub", "--samples", "x"],
            ["stub", "--seed", "-1"],
            ["stub", "--seed", str(2**32)],
            ["stub", "--backgrounds", "nowhere"],
            ["stub", "--start", "nowhere.keras"],
            ["stub", "--out", "/dev/null/model"],
        ],
    )
    def test_wrong_usage_is_named(self, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        offer(monkeypatch, Trainable())
        assert run("train", *arguments)[0] != 0


class TestAnalyse:
    @pytest.fixture(autouse=True)
    def _plugins(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        offer(monkeypatch, StubPlugin(), Digits())
        return iter(())

    @pytest.mark.parametrize("out", ["/dev/null/reports", "taken"])
    def test_a_report_that_could_not_be_kept_is_refused_before_the_work(
        self, grey: Path, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "taken").touch()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("inference.management.commands.analyse.analyse", pytest.fail)
        status, printed, err = run("analyse", "stub", str(grey), "--out", out)
        assert (status, printed) == (2, "")
        assert "can not be written" in err

    def test_a_file_that_may_not_be_read_is_wrong_usage(self, grey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("inference.management.commands.analyse.os.access", lambda *_: False)
        status, _, err = run("analyse", "stub", str(grey))
        assert status == 2
        assert str(grey) in err

    def test_json_holds_the_report_the_model_and_the_quantity(self, grey: Path) -> None:
        status, out, _ = run("analyse", "stub", str(grey), "--json")
        document = json.loads(out)
        assert status == 0
        assert document["status"] == "predictions"
        assert document["measures"]["mean"] == pytest.approx(0.2)
        assert (document["quantity"], document["unit"]) == ("1", "image")
        assert document["model"]["plugin"] == "stub"

    def test_a_person_reads_the_measures(self, grey: Path) -> None:
        assert run("analyse", "stub", str(grey))[1] == "predictions\nmean: 0.2\n"

    def test_out_keeps_the_report(self, grey: Path, tmp_path: Path) -> None:
        run("analyse", "stub", str(grey), "--out", str(tmp_path / "out"))
        assert json.loads((tmp_path / "out" / "report.json").read_text())["status"] == "predictions"

    def test_a_folder_of_real_digits_is_read_by_name(self, tmp_path: Path) -> None:
        folder = tmp_path / "digits"
        folder.mkdir()
        for digit in (9, 0, 4):
            Image.fromarray(drawings.on_paper(digit).astype(np.uint8)).save(folder / f"{digit}.png")
        status, out, _ = run("analyse", "digits", str(folder), "--json")
        assert status == 0
        best = {Path(row["item"]).stem: row["labels"][0]["code"] for row in json.loads(out)["predictions"]}
        assert best == {"9": "9", "0": "0", "4": "4"}

    def test_a_bad_file_is_named_and_the_good_one_is_analysed(self, grey: Path, tmp_path: Path) -> None:
        bad = tmp_path / "bad.png"
        bad.write_text("no image")
        status, out, err = run("analyse", "stub", str(bad), str(grey), "--json")
        assert status == 0
        assert [row["name"] for row in json.loads(out)["rejected"]] == [str(bad)]
        assert "bad.png" in err

    def test_a_refused_input_ends_with_3_and_says_why(self, tmp_path: Path) -> None:
        blank = tmp_path / "blank.png"
        Image.fromarray(np.full((20, 20), 255, np.uint8)).save(blank)
        status, out, _ = run("analyse", "digits", str(blank), "--json")
        assert status == 3
        assert json.loads(out) == {"error": {"code": "unsupported_input", "detail": "Image 1 is blank."}}

    def test_a_refusal_by_the_headers_ends_with_3_too(self, tmp_path: Path) -> None:
        strip = tmp_path / "strip.png"
        Image.fromarray(np.zeros((10, 90), np.uint8)).save(strip)
        status, _, err = run("analyse", "digits", str(strip))
        assert status == 3
        assert "90 x 10" in err

    def test_files_that_can_not_be_read_end_with_4(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.png"
        bad.write_bytes(b"\x89PNG\r\n\x1a\n damaged")
        status, out, _ = run("analyse", "stub", str(bad), "--json")
        assert status == 4
        assert json.loads(out)["error"]["code"]

    def test_a_failure_of_ours_ends_with_1_without_its_insides(
        self, grey: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        offer(monkeypatch, Failing())
        status, out, _ = run("analyse", "stub", str(grey), "--json")
        assert status == 1
        assert json.loads(out)["error"]["code"] == "internal_error"
        assert "stranger" not in out

    def test_unsigned_artefacts_end_with_1_and_are_never_loaded(
        self, grey: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        offer(monkeypatch, Trainable())
        status, out, _ = run("analyse", "stub", str(grey), "--json")
        assert status == 1
        assert json.loads(out)["error"]["code"] == "artefact_refused"

    def test_wrong_usage_ends_with_2(self, grey: Path, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        assert run("analyse", "no-such", str(grey))[0] == 2
        assert run("analyse", "stub", str(tmp_path / "absent.png"))[0] == 2
        assert run("analyse", "stub", str(tmp_path / "empty"))[0] == 2


class TestArtefact:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "weights.npz").write_bytes(b"x")
        return tmp_path / "model"

    def test_what_this_installation_signed_it_verifies(self, folder: Path) -> None:
        assert run("artefact", "sign", str(folder), "stub", "1.0.0")[0] == 0
        status, out, _ = run("artefact", "verify", str(folder), "stub", "1.0.0")
        assert status == 0
        assert "sha256" in out

    def test_a_changed_file_is_refused_with_a_sentence(self, folder: Path) -> None:
        run("artefact", "sign", str(folder), "stub", "1.0.0")
        (folder / "weights.npz").write_bytes(b"y")
        status, _, err = run("artefact", "verify", str(folder), "stub", "1.0.0")
        assert status == 1
        assert "weights.npz" in err

    def test_a_makers_artefacts_are_trusted_after_their_key_is(self, folder: Path, tmp_path: Path) -> None:
        key = tmp_path / "maker.key"
        public = run("artefact", "keygen", str(key))[1].split()[-1]
        run("artefact", "sign", str(folder), "stub", "1.0.0", "--key", str(key))
        assert run("artefact", "verify", str(folder), "stub", "1.0.0")[0] == 1
        assert run("artefact", "trust", public, "--note", "a maker")[0] == 0
        assert run("artefact", "verify", str(folder), "stub", "1.0.0")[0] == 0

    def test_a_key_is_never_overwritten(self, tmp_path: Path) -> None:
        assert run("artefact", "keygen", str(tmp_path / "a.key"))[0] == 0
        assert run("artefact", "keygen", str(tmp_path / "a.key"))[0] == 1
