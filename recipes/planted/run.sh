#!/usr/bin/env bash
# A small made corpus whose true evidence is known in time and frequency: make it, train a
# classifier, explain, score, report. Needs no data. Safe to run again.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/planted/run.sh --exp_dir DIR [options]
  --exp_dir DIR     everything that is made goes here
  --stage N         first stage to run (default 1)
  --stop_stage N    last stage to run (default 5)
                    1 make the corpus  2 train  3 explain  4 score  5 report
  --config FILE     settings (default conf/demo.yaml beside this script)
  --methods "NAMES" methods to compare (default: all)
  --n_train N       training recordings (default 60)
  --n_test N        test recordings (default 10)
  --seed N          seed of every random draw (default 0)
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
command="recipes/planted/run.sh$(printf " %q" "$@")"
exp_dir="" stage=1 stop_stage=5 config="$here/conf/demo.yaml" n_train=60 n_test=10 seed=0
methods="dax_v1 dax_v2 dax_v4 lime kernel_shap rise occlusion random energy all_ones oracle"

while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --exp_dir | --stage | --stop_stage | --config | --methods | --n_train | --n_test | --seed)
      [ $# -ge 2 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }
      printf -v "${1#--}" '%s' "$2"
      shift 2 ;;
    *) echo "run.sh: unknown option $1 (see --help)" >&2; exit 2 ;;
  esac
done
[ -n "$exp_dir" ] || { echo "run.sh: --exp_dir is needed (see --help)" >&2; exit 2; }

case "$stage$stop_stage" in *[!0-9]*) echo "run.sh: --stage and --stop_stage take numbers" >&2; exit 2 ;; esac

python="${PYTHON:-$root/.venv/bin/python}"
command -v "$python" >/dev/null || python=python3
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
daxaudio() { "$python" -m daxaudio.cli "$@"; }
runs() { [ "$stage" -le "$1" ] && [ "$stop_stage" -ge "$1" ]; }
corpus="$exp_dir/corpus"

if runs 1; then
  echo "stage 1: make the corpus"
  "$python" -m data_prep.planted_events --out "$corpus" --n_train "$n_train" --n_test "$n_test" --seed "$seed"
fi
if runs 2; then
  echo "stage 2: train the classifier"
  daxaudio train "$corpus/train" --test "$corpus/test" --out "$exp_dir/model" \
    --config "$config" --seed "$seed"
fi
if runs 3; then
  echo "stage 3: explain"
  # shellcheck disable=SC2086
  daxaudio explain "$corpus/test" --model "$exp_dir/model" --method $methods \
    --events "$corpus/test/events.tsv" --out "$exp_dir/explanations" --config "$config" --seed "$seed"
fi
if runs 4; then
  echo "stage 4: score"
  daxaudio score "$exp_dir/explanations" --events "$corpus/test/events.tsv" --out "$exp_dir"
  "$python" "$here/score_evidence.py" --exp_dir "$exp_dir"
fi
if runs 5; then
  echo "stage 5: report"
  "$python" "$here/report.py" --exp_dir "$exp_dir" --command "$command"
fi
