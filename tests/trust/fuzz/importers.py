"""Coverage-guided fuzzing of everything that reads strangers' files: `make fuzz`, or python importers.py TARGET [libFuzzer options].

The first byte of an input picks the reader, the rest is the file. Any exception but the package's own ends the run, with the input
that caused it in a crash file. Needs atheris, which is installed in an environment of its own.
"""

import io
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["acuevidence"]):
    import acuevidence as ae
    from acuevidence.evidence import data_folder
    from acuevidence.evidence.importers import cells, columns, files, flat_table, headings, revman, rows  # noqa: F401

    sys.path.insert(0, str(Path(__file__).parent))
    from reviews import FILES, Review

HOME = Path(tempfile.mkdtemp(prefix="acuevidence-fuzz-"))
TABLES = ("trials", "arms", "results", "contrasts", "directions", "quality", "design", "indirect")
RM5 = b"""<COCHRANE_REVIEW><STUDIES_AND_REFERENCES><STUDY ID="S" NAME="A 2001" YEAR="2001"/></STUDIES_AND_REFERENCES>
<ANALYSES_AND_DATA><COMPARISON><NAME>C</NAME><CONT_OUTCOME EFFECT_MEASURE="SMD"><NAME>Pain</NAME><CONT_DATA STUDY_ID="S" MEAN_1="3"
SD_1="2" TOTAL_1="40" MEAN_2="4" SD_2="2" TOTAL_2="38"/></CONT_OUTCOME></COMPARISON></ANALYSES_AND_DATA></COCHRANE_REVIEW>"""
FLAT = b"study,year,mean1,sd1,n1,mean2,sd2,n2,higher_is\nA,2001,3,2,40,4,2,38,worse\n"
WEB = b"Analysis group,Analysis number,Study,Experimental cases,Experimental N,Control cases,Control N\n1,1,A 2001,12,40,7,41\n"


def zipped(name, data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def written(name, data):
    path = HOME / name
    path.write_bytes(data)
    return path


def small_folder():
    """A folder of evidence that is valid and small: the package's first six trials."""
    import pandas as pd

    folder = HOME / "evidence"
    folder.mkdir()
    shutil.copytree(data_folder(), folder, dirs_exist_ok=True)
    kept = pd.read_csv(folder / "trials.csv", dtype=str, keep_default_na=False)["trial_id"].head(6)
    for name in TABLES:
        whole = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        table = whole[whole["trial_id"].isin(kept)] if "trial_id" in whole else whole
        table.head(12).to_csv(folder / f"{name}.csv", index=False)
    return folder


FOLDER = small_folder()
GOOD = {name: (FOLDER / f"{name}.csv").read_bytes() for name in TABLES}


def with_table(name):
    def load(data):
        for other, content in GOOD.items():
            (FOLDER / f"{other}.csv").write_bytes(data if other == name else content)
        evidence = ae.load_evidence(FOLDER)
        ae.trial_effects(evidence.trials["condition"].iloc[0], evidence=evidence)

    return load


READERS = {
    "importers": [
        (lambda data: ae.read_revman(written("a.rm5", data)), RM5),
        (lambda data: ae.read_revman(written("a.zip", zipped("a-data-rows.csv", data))), WEB),
        (lambda data: ae.read_revman(written("b.zip", data)), zipped("a-data-rows.csv", WEB)),
        (lambda data: ae.read_trials(written("b.csv", data)), FLAT),
    ],
    "evidence": [
        *((with_table(name), content) for name, content in GOOD.items()),
        (
            lambda data: ((FOLDER / "selection.yaml").write_bytes(data), ae.load_evidence(FOLDER)),
            (FOLDER / "selection.yaml").read_bytes(),
        ),
    ],
}


def rules():
    """Readers of the YAML files of a review."""
    review = Review(HOME)
    return [(lambda data, name=name: review.ask(name, data), (review.folder / f"{name}.yaml").read_bytes()) for name in FILES]


def main():
    target = sys.argv.pop(1)
    readers = rules() if target == "rules" else READERS[target]

    def one(data):
        if not data:
            return
        read, _ = readers[data[0] % len(readers)]
        try:
            read(data[1:])
        except ae.AcuevidenceError:
            return

    seeds = HOME / "seeds"
    seeds.mkdir()
    for i, (_, content) in enumerate(readers):
        (seeds / str(i)).write_bytes(bytes([i]) + content)
    atheris.Setup([*sys.argv, str(seeds)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
