#!/usr/bin/env bash
# Coughs: train BLSTM classifiers, one for each fold, explain what they get right, score by cough phase.
# Safe to run again: models and explanations are kept, the rest is done anew.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/coswara/run.sh --corpus DIR --annotations DIR --exp_dir DIR [options]
  --corpus DIR          Coswara (20200413/ID/cough-heavy.wav, combined_data.csv, annotations/), or
                        DiCOVA-2 (AUDIO/cough/ID.flac, metadata.csv, LISTS/)
  --annotations DIR     cough phases: TextGrids, or Coswara-Exp's Annotated_v2
  --exp_dir DIR         everything that is made goes here
  --stage N             first stage to run (default 1)
  --stop_stage N        last stage to run (default 4)
                        1 prepare  2 train  3 explain  4 report
  --config FILE         settings (default conf/blstm.yaml beside this script)
  --sound NAME          of Coswara (default cough-heavy)
  --min_quality N       of Coswara: 2 excellent, 1 good, 0 all (default 1)
  --folds N             of Coswara; DiCOVA has its own (default 5)
  --methods "NAMES"     methods to explain with; call again from stage 3 to add others (default: the
                        gradient-free ones that train no network, and the reference rows)
  --queries N           black-box evaluations a method (default: the configuration's)
  --device NAME         cpu, cuda, ... (default cpu; to explain, that of the configuration)
  --n_recordings N      recordings to explain (default 0: all that are classified correctly)
  --seed N              seed of every random draw (default 0)
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
command="recipes/coswara/run.sh$(printf " %q" "$@")"
corpus="" annotations="" exp_dir="" stage=1 stop_stage=4 config="$here/conf/blstm.yaml"
sound=cough-heavy min_quality=1 folds=5 queries="" n_recordings=0 device="" seed=0
methods="dax_v4 lime kernel_shap rise occlusion random energy all_ones"

while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --corpus | --annotations | --exp_dir | --stage | --stop_stage | --config | --sound | \
      --min_quality | --folds | --methods | --queries | --n_recordings | --device | --seed)
      [ $# -ge 2 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }
      printf -v "${1#--}" '%s' "$2"
      shift 2 ;;
    *) echo "run.sh: unknown option $1 (see --help)" >&2; exit 2 ;;
  esac
done
[ -n "$corpus" ] && [ -n "$annotations" ] && [ -n "$exp_dir" ] || {
  echo "run.sh: --corpus, --annotations and --exp_dir are needed (see --help)" >&2; exit 2; }

for number in "$stage" "$stop_stage"; do
  case "$number" in
    [1-4]) ;;
    *) echo "run.sh: --stage and --stop_stage take a number from 1 to 4, got '$number'" >&2; exit 2 ;;
  esac
done

python="${PYTHON:-$root/.venv/bin/python}"
command -v "$python" >/dev/null || python=python3
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
runs() { [ "$stage" -le "$1" ] && [ "$stop_stage" -ge "$1" ]; }
data="$exp_dir/data"

if runs 1; then
  echo "stage 1: prepare the data folder"
  if [ -f "$corpus/metadata.csv" ]; then
    "$python" -m data_prep.dicova --corpus "$corpus" --annotations "$annotations" --out "$data"
  else
    "$python" -m data_prep.coswara --corpus "$corpus" --annotations "$annotations" --out "$data" \
      --sound "$sound" --min_quality "$min_quality" --folds "$folds" --seed "$seed"
  fi
fi
if runs 2; then
  echo "stage 2: train a classifier for each fold"
  [ -f "$data/folds" ] || {
    echo "run.sh: $data/folds is missing: is stage 1 done, is a recording in two validation lists?" >&2
    exit 2
  }
  "$python" -m daxaudio.cli train "$data" --folds "$data/folds" --out "$exp_dir/models" \
    --config "$config" --device "${device:-cpu}" --seed "$seed"
fi
if runs 3; then
  echo "stage 3: explain what the classifiers get right of their folds"
  options=()
  [ -z "$queries" ] || options+=(--queries "$queries")
  [ -z "$device" ] || options+=(--device "$device")
  # shellcheck disable=SC2086
  "$python" "$here/explain_folds.py" --exp_dir "$exp_dir" --config "$config" --seed "$seed" \
    --n_recordings "$n_recordings" --methods $methods ${options[@]+"${options[@]}"}
fi
if runs 4; then
  echo "stage 4: report"
  "$python" "$here/report.py" --exp_dir "$exp_dir" --corpus "$corpus" --command "$command"
fi
