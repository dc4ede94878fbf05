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
command="recipes/planted/run.sh$(printf " %q" "$@")"
source "$here/../options.sh"
exp_dir="" stage=1 stop_stage=5 config="$here/conf/demo.yaml" n_train=60 n_test=10 seed=0
methods="dax_v1 dax_v2 dax_v4 dax_v5 lime kernel_shap rise occlusion random energy all_ones oracle"

parse_options "exp_dir stage stop_stage config methods n_train n_test seed" "$@"
need exp_dir
check_stages 5
check_numbers n_train n_test seed
check_file config
find_python
corpus="$exp_dir/corpus"

make_corpus() {
  daxaudio prepare planted_events --out "$corpus" --n_train "$n_train" --n_test "$n_test" --seed "$seed"
}
train() {
  daxaudio train "$corpus/train" --test "$corpus/test" --out "$exp_dir/model" \
    --config "$config" --seed "$seed"
}
explain() {
  # shellcheck disable=SC2086
  daxaudio explain "$corpus/test" --model "$exp_dir/model" --method $methods \
    --events "$corpus/test/events.tsv" --out "$exp_dir/explanations" --config "$config" \
    --seed "$seed" --no_pictures # the report draws them, side by side
}
score() {
  daxaudio score "$exp_dir/explanations" --events "$corpus/test/events.tsv" \
    --evidence "$corpus/test/evidence.csv" --out "$exp_dir"
}
report() { "$python" "$here/report.py" --exp_dir "$exp_dir" --command "$command"; }

run_stage 1 "make the corpus" make_corpus
run_stage 2 "train the classifier" train
run_stage 3 "explain" explain
run_stage 4 "score" score
run_stage 5 "report" report
tell_times
tell_results
