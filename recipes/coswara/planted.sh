#!/usr/bin/env bash
# Coughs whose evidence is known: make corpora with real timings and planted evidence, run the recipe
# on each, and say whether the explainers find the phase. Safe to run again.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/coswara/planted.sh --textgrids DIR --exp_dir DIR [options]
  --textgrids DIR     TextGrids of cough phases; their timings are used
  --exp_dir DIR       everything that is made goes here, one folder a corpus
  --corpora "NAMES"   where the evidence is: cough, inhale, compression, throat, background; or hum
                      (no evidence in any phase, but a hum under all positive recordings: the
                      classifier cheats, and the background gives it away)
                      (default "cough inhale background hum")
  --n N               recordings of each (default 120)
  --strength X        level of the evidence as a factor on the phase's own (default 1)
  --evidence NAME     resonance, wheeze, second_burst or hum (default resonance)
  --config FILE       settings (default conf/planted.yaml beside this script)
  --methods "NAMES"   as run.sh
  --queries N         as run.sh
  --n_recordings N    as run.sh
  --folds N           as run.sh
  --device NAME       as run.sh
  --stage N           as run.sh: with 3, models are taken as they are (default 1)
  --seed N            seed of every random draw (default 0)
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command="recipes/coswara/planted.sh$(printf " %q" "$@")"
source "$here/../options.sh"
textgrids="" exp_dir="" corpora="cough inhale background hum" n=120 strength=1 evidence=resonance
config="$here/conf/planted.yaml" methods="" queries="" n_recordings=0 folds=5 stage=1 stop_stage=4
device="" seed=0

parse_options "textgrids exp_dir corpora n strength evidence config methods queries n_recordings \
folds device stage seed" "$@"
need textgrids exp_dir
check_stages 4
check_numbers n n_recordings queries folds seed
check_file config
find_python

for corpus in $corpora; do
  echo "== $corpus"
  folder="$exp_dir/$corpus" phase="$corpus" confounder=none
  [ "$corpus" != hum ] || { phase=none; confounder=hum; }
  if [ "$stage" -eq 1 ]; then
    daxaudio prepare planted_coughs --textgrids "$textgrids" --out "$folder/corpus" \
      --annotations "$folder/annotations" --n "$n" --phase "$phase" --strength "$strength" \
      --evidence "$evidence" --confounder "$confounder" --seed "$seed"
  fi
  options=()
  [ -z "$methods" ] || options+=(--methods "$methods")
  [ -z "$queries" ] || options+=(--queries "$queries")
  [ -z "$device" ] || options+=(--device "$device")
  "$here/run.sh" --corpus "$folder/corpus" --annotations "$folder/annotations" \
    --exp_dir "$folder" --config "$config" --n_recordings "$n_recordings" --folds "$folds" \
    --stage "$stage" --seed "$seed" ${options[@]+"${options[@]}"}
done
# shellcheck disable=SC2086
"$python" "$here/planted_report.py" --exp_dir "$exp_dir" --corpora $corpora --command "$command"
