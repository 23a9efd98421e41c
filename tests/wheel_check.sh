#!/usr/bin/env bash
# Builds the sdist and from it the wheel, checks both, and tries the wheel where there is no clone.
#
#     bash tests/wheel_check.sh [EXTRA]
#
# EXTRA is what brings TensorFlow: cpu (the default), gpu or tf. It needs `build` and `twine`, of
# the extra `test`. What it makes lies in a temporary folder, which it removes.
set -euo pipefail
extra=${1:-cpu}
clone=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
unset PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK=1 TF_CPP_MIN_LOG_LEVEL=2

python -m build --outdir "$folder/dist" "$clone"
python -m twine check --strict "$folder"/dist/*
python -m venv "$folder/environment"
wheel=("$folder"/dist/*.whl)
"$folder/environment/bin/pip" install --quiet "$wheel[$extra]"

mkdir "$folder/away"
cd "$folder/away"
PATH="$folder/environment/bin:$PATH"
set -x
[[ $(command -v lossgp) == "$folder/environment/bin/lossgp" ]]
python -P -c "
import sys, deap_lossgp
sys.exit(not deap_lossgp.__file__.startswith('$folder/environment'))"
python -P -c "
from importlib import resources
files = {path.name for path in resources.files('deap_lossgp').iterdir()}
assert {'py.typed', '__init__.pyi'} <= files, files"
lossgp --version
lossgp evolve --datasets digits --population 4 --generations 1 --epochs 1 --train-size 400 \
    --max-size 20 --final-epochs 1 --test-seeds 1 --rate-factors 1 --output run | tee printed
grep -q "^Next: lossgp describe run shows " printed
grep -q "</html>" run/report.html
lossgp watch run | grep -q "^Complete: run/report.html"
lossgp describe run --output cards
test -s cards/run_card.png
lossgp export run --to torch
test -s run_torch.py
lossgp atlas --show best > best
python -m deap_lossgp describe ngl --output cards > card
if lossgp evlove 2> refused; then exit 1; else [[ $? == 2 ]]; fi
grep -q "did you mean 'evolve'" refused
set +x
echo "The wheel works without the clone."
