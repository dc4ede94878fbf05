#!/usr/bin/env bash
# Does an audit name the confounder, and does it leave honest corpora alone? Make small corpora with
# known confounders at several strengths and honest ones, train a classifier on each, audit it, count.
# Can be killed at any time and started again. Needs no data.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/audit/run.sh --exp_dir DIR [options]
  --exp_dir DIR        everything that is made goes here
  --stage N            first stage to run (default 1)
  --stop_stage N       last stage to run (default 4)
                       1 make data  2 train classifiers  3 audit  4 report
  --corpora "NAMES"    which (default "honest chance hum level bandwidth site"):
                       honest     evidence in the coughs; hum, level, bandwidth and site differ between
                                  participants and are dealt evenly to both classes
                       chance     the same, but dealt by a coin for each participant
                       hum, level, bandwidth, site
                                  no evidence in any phase; the one named goes with the class
  --strengths "X ..."  of the confounders: the difference of the shares of positives and negatives
                       who have it (default "1 0.75 0.5")
  --seeds "N ..."      a corpus each, honest or of strength 1 (default "0 1 2 3 4 5 6 7 8 9");
                       settings were chosen on seeds from 100 on
  --weak_seeds "N ..." the same for strengths below 1 (default: as --seeds)
  --n_train N          participants to train on, half of them positive (default 40)
  --n_test N           other participants to audit (default 80)
  --config FILE        settings of the classifier (default conf/tiny.yaml beside this script)
  --questions FILE     of the audits (default conf/questions.yaml beside this script)
  --textgrids DIR      take timings from here: real ones make recordings of 3 to 11 s (default: drawn)
  --jobs N             corpora at a time, one processor core each (default 2)
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command="recipes/audit/run.sh$(printf " %q" "$@")"
source "$here/../options.sh"
exp_dir="" stage=1 stop_stage=4 corpora="honest chance hum level bandwidth site"
strengths="1 0.75 0.5" seeds="0 1 2 3 4 5 6 7 8 9" weak_seeds="" n_train=40 n_test=80
config="$here/conf/tiny.yaml" questions="$here/conf/questions.yaml" textgrids="" jobs=2

parse_options "exp_dir stage stop_stage corpora strengths seeds weak_seeds n_train n_test config \
questions textgrids jobs" "$@"
need exp_dir
check_stages 4
check_numbers n_train n_test jobs
for seed in $seeds $weak_seeds; do check_number seeds "$seed"; done
check_file config
check_file questions
find_python

cells() { # STAGE; a cell takes one core, so that many do not fight for them
  # shellcheck disable=SC2086
  OMP_NUM_THREADS=1 "$python" "$here/cells.py" --stage "$1" --exp_dir "$exp_dir" \
    --corpora $corpora --strengths $strengths --seeds $seeds --weak_seeds ${weak_seeds:-$seeds} \
    --n_train "$n_train" --n_test "$n_test" --config "$config" --questions "$questions" \
    --jobs "$jobs" ${textgrids:+--textgrids "$textgrids"}
}
make_data() { cells data; }
train() { cells train; }
audit() { cells audit; }
report() {
  "$python" "$here/report.py" --exp_dir "$exp_dir" --questions "$questions" --command "$command"
}

run_stage 1 "make data" make_data
run_stage 2 "train classifiers" train
run_stage 3 "audit" audit
run_stage 4 "report" report
tell_times
tell_results
