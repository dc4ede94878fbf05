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
command="recipes/coswara/run.sh$(printf " %q" "$@")"
source "$here/../options.sh"
corpus="" annotations="" exp_dir="" stage=1 stop_stage=4 config="$here/conf/blstm.yaml"
sound=cough-heavy min_quality=1 folds=5 queries="" n_recordings=0 device="" seed=0
methods="dax_v5 dax_v4 lime kernel_shap rise occlusion random energy all_ones"

parse_options "corpus annotations exp_dir stage stop_stage config sound min_quality folds methods \
queries n_recordings device seed" "$@"
need corpus annotations exp_dir
check_stages 4
check_numbers min_quality folds queries n_recordings seed
check_file config
find_python
data="$exp_dir/data"

prepare() {
  if [ -f "$corpus/metadata.csv" ]; then
    daxaudio prepare dicova --corpus "$corpus" --annotations "$annotations" --out "$data"
  else
    daxaudio prepare coswara --corpus "$corpus" --annotations "$annotations" --out "$data" \
      --sound "$sound" --min_quality "$min_quality" --folds "$folds" --seed "$seed"
  fi
}
train() {
  [ -f "$data/folds" ] ||
    fail "$data/folds is missing: is stage 1 done, is a recording in two validation lists?"
  daxaudio train "$data" --folds "$data/folds" --out "$exp_dir/models" \
    --config "$config" --device "${device:-cpu}" --seed "$seed"
}
explain() {
  local options=()
  [ -z "$queries" ] || options+=(--queries "$queries")
  [ -z "$device" ] || options+=(--device "$device")
  # shellcheck disable=SC2086
  "$python" "$here/explain_folds.py" --exp_dir "$exp_dir" --config "$config" --seed "$seed" \
    --n_recordings "$n_recordings" --methods $methods ${options[@]+"${options[@]}"}
}
report() {
  "$python" "$here/report.py" --exp_dir "$exp_dir" --corpus "$corpus" --command "$command"
}

run_stage 1 "prepare the data folder" prepare
run_stage 2 "train a classifier for each fold" train
run_stage 3 "explain what the classifiers get right of their folds" explain
run_stage 4 "report" report
tell_times
