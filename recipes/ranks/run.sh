#!/usr/bin/env bash
# Ranks of methods over sets of recordings whose truth is known in different ways: make the data, get
# the classifiers, compare by every measure, rank. Can be killed at any time and started again; sets
# and seeds can be run one by one, also at once: the report shows what is there.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/ranks/run.sh --exp_dir DIR [options]
  --exp_dir DIR        everything that is made goes here
  --stage N            first stage to run (default 1)
  --stop_stage N       last stage to run (default 5)
                       1 make data  2 train classifiers  3 compare  4 explain again  5 report
  --sets "NAMES"       which sets (default all):
                       fold4       clips of ESC-10 fold 4 between white noise, pink noise, and clips
                                   of other classes: three data folders
                       overlap     two such clips that sound partly at once
                       mosaic      three or four of them one after the other, each asked for
                       natural     such clips as they are; no truth in time
                       planted     made sounds, evidence known in time and frequency
                       coughs      made coughs with real timings, evidence known in time
                       pretrained  classifiers that others trained, on made scenes
  --corpus DIR         ESC-10 or ESC-50 folder; all sets but planted and coughs need it
  --textgrids DIR      TextGrids of cough phases; coughs needs them
  --packages DIR       take the wheels of pretrained models from here, without a network
  --paddings "NAMES"   of fold4 (default "white pink other_classes")
  --models "NAMES"     classifiers of ESC-10, each with its NAME.yaml (default "resnet18")
  --conf DIR           folder of these settings (default ../esc10/conf beside this script)
  --pretrained "NAMES" models of the set pretrained, rows of ../pretrained/conf/models.tsv (default
                       "silero yamnet yamnet_rooster basic_pitch easybird micro_wake_word")
  --noncommercial yes  allows such whose weights are not to be used commercially
  --seeds "0 1 2"      each trains classifiers of its own, and makes planted sounds and coughs of
                       its own; all other data are the same for every seed
  --methods "NAMES"    methods to compare, each where it fits the classifier (default: all that train
                       no networks)
  --leader NAME        method that is judged (default dax_v5)
  --queries N          black-box evaluations a method (default 2000)
  --few_queries N      all methods once more with so many: the leader is held against the others'
                       full number by these (default 500)
  --metrics "NAMES"    groups of measures (default "all")
  --few_rivals yes|no  whether the others are run from few queries, too (default yes)
  --few_metrics "NAMES" of all but the leader from few queries (default "localisation deletion";
                       pretrained models: --metrics)
  --n N                recordings a data folder, at most (default 40; pretrained 8)
  --again N            recordings that the leader explains again with four other seeds, for its
                       standard error (default 6; 0 skips)
  --device NAME        cpu, cuda, ... to train and to explain on (default: the settings')
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command="recipes/ranks/run.sh$(printf " %q" "$@")"
source "$here/../options.sh"
exp_dir="" stage=1 stop_stage=5 corpus="" textgrids="" packages=""
sets="fold4 overlap mosaic natural planted coughs pretrained"
pretrained="silero yamnet yamnet_rooster basic_pitch easybird micro_wake_word"
noncommercial=no models="resnet18" conf="$here/../esc10/conf" paddings="white pink other_classes"
seeds="0 1 2" methods="" leader=dax_v5 queries=2000 few_queries=500 n=40 again=6 device=""
metrics="all" few_metrics="localisation deletion" few_rivals=yes

parse_options "exp_dir stage stop_stage sets paddings corpus textgrids packages models conf pretrained \
noncommercial seeds methods leader queries few_queries few_rivals metrics few_metrics n again device" "$@"
need exp_dir
check_stages 5
check_numbers queries few_queries n again
for seed in $seeds; do check_number seeds "$seed"; done
for padding in $paddings; do
  case "$padding" in
    white | pink | other_classes) ;;
    *) fail "padding '$padding' is unknown; choose from white, pink, other_classes" ;;
  esac
done
for set in $sets; do
  case "$set" in
    fold4 | overlap | mosaic | natural | pretrained)
      [ -n "$corpus" ] || fail "--corpus is needed by the set $set (see --help)"
      ;;
    coughs) [ -n "$textgrids" ] || fail "--textgrids is needed by the set coughs (see --help)" ;;
    planted) ;;
    *) fail "set '$set' is unknown (see --help)" ;;
  esac
done
for model in $models; do [ -f "$conf/$model.yaml" ] || fail "no settings $conf/$model.yaml"; done
[ "$few_queries" -lt "$queries" ] || fail "--few_queries must be below --queries"
case "$few_rivals" in yes | no) ;; *) fail "--few_rivals takes yes or no, got '$few_rivals'" ;; esac
find_python
case " ${methods:-$leader} " in *" $leader "*) ;; *) fail "--leader $leader is none of --methods" ;; esac
# fitting HEARS EVENTS: the methods that fit a classifier and its data, on one line
# shellcheck disable=SC2086
fitting() { "$python" "$here/methods.py" "$1" "$2" $methods | tr '\n' ' '; }
on_device=()
[ -z "$device" ] || on_device=(--device "$device")

has() { case " $sets " in *" $1 "*) return 0 ;; esac; return 1; }
of_esc10=no
for set in fold4 overlap mosaic natural; do ! has "$set" || of_esc10=yes; done
phases="cough inhale" data="$exp_dir/data" trained="$exp_dir/models"
planted_config="$here/../planted/conf/equal.yaml" coughs_config="$here/../coswara/conf/planted.yaml"
of_seed() { echo $((10 + $1)); } # of made corpora: settings were chosen on those of lower seeds

# data: what is the same for every classifier first

prepare_esc10() {
  daxaudio prepare esc10 --corpus "$corpus" --out "$data/esc10" --train_folds "1 2 3" --test_folds 4
}
pad() {
  local noise="$padding"
  [ "$noise" != other_classes ] || noise="$data/esc10/train"
  daxaudio pad "$data/esc10/test" --out "$data/fold4-$padding" --noise "$noise" \
    --config "$conf/${models%% *}.yaml" --seed 0
}
make_scenes() { # of clips
  daxaudio prepare "$1" --corpus "$corpus" --folds 4 --n "$2" --seed 0 --out "$data/${1%s}"
}
make_planted() {
  daxaudio prepare planted_events --out "$data/planted-seed$seed" --n_train 60 --n_test "$n" \
    --seed "$(of_seed "$seed")"
}
make_coughs() { # of $phase, half of which are positive
  local folder="$data/coughs-$phase-seed$seed"
  daxaudio prepare planted_coughs --textgrids "$textgrids" --out "$folder/corpus" \
    --annotations "$folder/annotations" --n $((3 * n)) --phase "$phase" --seed "$(of_seed "$seed")"
  daxaudio prepare coswara --corpus "$folder/corpus" --annotations "$folder/annotations" \
    --out "$folder/all" --folds 3 --seed "$seed"
  "$python" "$here/split_coughs.py" --folder "$folder"
}
of_pretrained() { # STAGE...: the recipe of these models
  "$here/../pretrained/run.sh" --exp_dir "$exp_dir/pretrained/seed$seed" --esc10 "$corpus" \
    --folds "4 5" --seed "$(of_seed "$seed")" --stage "$1" --stop_stage "$2" --methods "$(fitting sounds events)" \
    --models "$pretrained" --noncommercial "$noncommercial" ${packages:+--packages "$packages"} "${@:3}"
}

make_data() {
  local seed padding phase
  mkdir -p "$data"
  [ "$of_esc10" = no ] || once "$data/esc10.done" "$corpus" prepare_esc10
  ! has fold4 || for padding in $paddings; do
    once "$data/fold4-$padding.done" "$corpus $(cksum <"$conf/${models%% *}.yaml")" pad
  done
  # in about half of the scenes one of the two that overlap is heard most, and explained
  ! has overlap || once "$data/overlap.done" "$corpus $n" make_scenes overlaps $((3 * n))
  ! has mosaic || once "$data/mosaic.done" "$corpus $n" make_scenes mosaics $(((n + 2) / 3))
  for seed in $seeds; do
    ! has planted || once "$data/planted-seed$seed.done" "$n" make_planted
    ! has coughs || for phase in $phases; do
      once "$data/coughs-$phase-seed$seed.done" "$textgrids $n" make_coughs
    done
    ! has pretrained || of_pretrained 1 2
  done
}

# classifiers: `train` keeps what is trained

train_on() { # TRAIN TEST CONFIG OUT
  daxaudio train "$1" --test "$2" --config "$3" --out "$4" --seed "$seed" \
    ${on_device[@]+"${on_device[@]}"}
}
train_all() {
  local seed model phase folder
  for seed in $seeds; do
    [ "$of_esc10" = no ] || for model in $models; do
      train_on "$data/esc10/train" "$data/esc10/test" "$conf/$model.yaml" "$trained/$model-seed$seed"
    done
    folder="$data/planted-seed$seed"
    ! has planted || train_on "$folder/train" "$folder/test" "$planted_config" "$trained/planted-seed$seed"
    ! has coughs || for phase in $phases; do
      folder="$data/coughs-$phase-seed$seed"
      train_on "$folder/train" "$folder/test" "$coughs_config" "$trained/coughs-$phase-seed$seed"
    done
  done
}

# cells: CONDITION/MODEL-seedSEED/RUN/results.csv, RUN all, few, or few_rivals

# each_cell FUNCTION: call it for every condition and classifier of the sets that we train for, with
# cell (its folder), folder (of its data), model and config as variables
each_cell() {
  local seed set padding name phase cell folder model config which
  for seed in $seeds; do
    for set in $sets; do
      which=correct
      case "$set" in
        fold4) for padding in $paddings; do of_each_model "fold4-$padding" "fold4-$padding" "$1"; done ;;
        natural) of_each_model natural esc10/test "$1" ;;
        overlap) of_each_model overlap overlap "$1" ;;
        mosaic) which=all of_each_model mosaic mosaic "$1" ;;
        planted)
          cell="$exp_dir/cells/planted/planted-seed$seed" folder="$data/planted-seed$seed/test"
          model="$trained/planted-seed$seed" config="$planted_config"
          "$1"
          ;;
        coughs)
          for phase in $phases; do
            cell="$exp_dir/cells/coughs-$phase/blstm-seed$seed"
            folder="$data/coughs-$phase-seed$seed/positive" config="$coughs_config"
            model="$trained/coughs-$phase-seed$seed"
            "$1"
          done
          ;;
      esac
    done
  done
}
of_each_model() { # CONDITION DATA FUNCTION
  for name in $models; do
    cell="$exp_dir/cells/$1/$name-seed$seed" folder="$data/$2" config="$conf/$name.yaml"
    model="$trained/$name-seed$seed"
    "$3"
  done
}
compare_by() { # RUN QUERIES METRICS METHODS
  local evidence=() coughs="$folder/../corpus/evidence.csv" # made sounds have theirs in the folder
  [ ! -f "$coughs" ] || evidence=(--evidence "$coughs")
  # shellcheck disable=SC2086
  daxaudio compare --data "$folder" --model "$model" --config "$config" --which "$which" \
    --methods $4 --metrics $3 --queries "$2" --n_recordings "$n" --seed "$seed" \
    --out "$cell/$1" ${on_device[@]+"${on_device[@]}"}
}
compare_cell() {
  local known=no_events fit rivals settings="$n | $(cksum <"$config")"
  [ ! -f "$folder/events.tsv" ] || known=events
  fit=$(fitting spectrograms "$known")
  rivals=" $fit" rivals="${rivals/ $leader / }"
  echo "compare: ${cell#"$exp_dir/cells/"}"
  mkdir -p "$cell"
  once "$cell/all.done" "$settings | $queries | $metrics | $fit" \
    compare_by all "$queries" "$metrics" "$fit"
  [ "$few_queries" -gt 0 ] || return 0
  once "$cell/few.done" "$settings | $few_queries | $metrics | $leader" \
    compare_by few "$few_queries" "$metrics" "$leader"
  [ "$few_rivals" = no ] || [ -z "${rivals// /}" ] || once "$cell/few_rivals.done" "$settings | $few_queries | $few_metrics | $rivals" \
    compare_by few_rivals "$few_queries" "$few_metrics" "$rivals"
}
compare_all() {
  local seed only_leader=() # and what its recipe cannot do without
  [ "$few_rivals" = yes ] || only_leader=(--methods "$(printf '%s\n' "$leader" dax_v5 random | sort -u | tr '\n' ' ')")
  each_cell compare_cell
  ! has pretrained || for seed in $seeds; do
    of_pretrained 3 3 --run all --queries "$queries" --metrics "$metrics"
    [ "$few_queries" -eq 0 ] || of_pretrained 3 3 --run few --queries "$few_queries" --metrics "$metrics" \
      ${only_leader[@]+"${only_leader[@]}"}
  done
}

again_cell() {
  echo "explain again: ${cell#"$exp_dir/cells/"}"
  once "$cell/again.done" "$again | $leader | $few_queries | $(cksum <"$config")" \
    "$python" "$here/cover.py" --data "$folder" --model "$model" --config "$config" \
    --method "$leader" --queries "$few_queries" --n_recordings "$again" --seed "$seed" \
    --out "$cell" ${on_device[@]+"${on_device[@]}"}
}
again_all() { [ "$again" -eq 0 ] || each_cell again_cell; }
report() {
  "$python" "$here/report.py" --exp_dir "$exp_dir" --leader "$leader" --command "$command"
}

run_stage 1 "make data" make_data
run_stage 2 "train classifiers" train_all
run_stage 3 "compare" compare_all
run_stage 4 "explain again" again_all
run_stage 5 "report" report
tell_times
tell_results
