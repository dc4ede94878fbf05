#!/usr/bin/env bash
# ESC-10 localisation: train a classifier, pad test clips with noise, compare explainers, report.
# Safe to run again: the model, the explanations and the measures are kept, the rest is done anew.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/esc10/run.sh --corpus DIR --exp_dir DIR [options]
  --corpus DIR          ESC-10 folder (001 - Dog bark/...) or ESC-50 folder (audio/, meta/esc50.csv)
  --exp_dir DIR         everything that is made goes here
  --stage N             first stage to run (default 1)
  --stop_stage N        last stage to run (default 6)
                        1 prepare  2 train  3 pad  4 compare  5 polarity  6 report
  --config FILE         settings (default conf/resnet18.yaml beside this script)
  --train_folds "1 2 3" folds to train on
  --test_folds "4"      folds to explain
  --methods "NAMES"     methods to compare (default: all but base1 and base2)
  --metrics "NAMES"     groups of measures, see daxaudio compare --help; "all" for every one
                        (default "localisation deletion faithfulness form")
  --queries N           black-box evaluations a method (default: the configuration's)
  --n_recordings N      recordings to explain (default 24; 0 for all that are classified correctly)
  --seed N              seed of every random draw (default 0)
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command="recipes/esc10/run.sh$(printf " %q" "$@")"
source "$here/../options.sh"
corpus="" exp_dir="" stage=1 stop_stage=6 config="$here/conf/resnet18.yaml"
train_folds="1 2 3" test_folds="4" queries="" n_recordings=24 seed=0
methods="dax_v1 dax_v2 dax_v4 dax_v5 lime kernel_shap rise occlusion gradient smooth_grad \
integrated_gradients input_x_gradient grad_cam guided_grad_cam grad_cam_plus_plus random energy \
all_ones oracle"
metrics="localisation deletion faithfulness form"

parse_options "corpus exp_dir stage stop_stage config train_folds test_folds methods metrics queries \
n_recordings seed" "$@"
need corpus exp_dir
check_stages 6
check_numbers queries n_recordings seed
check_file config
find_python

prepare() {
  daxaudio prepare esc10 --corpus "$corpus" --out "$exp_dir/data" \
    --train_folds "$train_folds" --test_folds "$test_folds"
}
train() {
  daxaudio train "$exp_dir/data/train" --test "$exp_dir/data/test" --out "$exp_dir/model" \
    --config "$config" --seed "$seed"
}
pad() {
  daxaudio pad "$exp_dir/data/test" --out "$exp_dir/data/test_padded" --config "$config" --seed "$seed"
}
compare() {
  local options=()
  [ -z "$queries" ] || options+=(--queries "$queries")
  [ "$n_recordings" -eq 0 ] || options+=(--n_recordings "$n_recordings")
  # shellcheck disable=SC2086
  daxaudio compare --data "$exp_dir/data/test_padded" --model "$exp_dir/model" --methods $methods \
    --metrics $metrics --events "$exp_dir/data/test_padded/events.tsv" --out "$exp_dir" \
    --config "$config" --seed "$seed" ${options[@]+"${options[@]}"}
}
polarity() { "$python" "$here/score_polarity.py" --exp_dir "$exp_dir" --config "$config"; }
report() { "$python" "$here/report.py" --exp_dir "$exp_dir" --command "$command"; }

run_stage 1 "prepare data folders" prepare
run_stage 2 "train the classifier" train
run_stage 3 "pad test clips with noise" pad
run_stage 4 "compare" compare
run_stage 5 "test the polarity of dax_v1 and dax_v2" polarity
run_stage 6 "report" report
tell_times
