#!/usr/bin/env bash
# ESC-10 protocol: several classifiers, noise paddings and seeds, equal queries for every method.
# Can be killed at any time and started again: what is done is skipped.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/esc10/protocol.sh --corpus DIR --exp_dir DIR [options]
  --corpus DIR          ESC-10 folder (001 - Dog bark/...) or ESC-50 folder (audio/, meta/esc50.csv)
  --exp_dir DIR         everything that is made goes here
  --models "NAMES"      classifiers, each with its NAME.yaml (default "resnet18 resnet101_cpu")
  --conf DIR            folder of these settings (default conf beside this script)
  --paddings "NAMES"    white, pink, other_classes: training clips of another class (default all)
  --seeds "0 1"         seeds; each trains classifiers of its own
  --train_folds "1 2 3" folds to train on, and of which noise of other classes is taken
  --test_folds "4"      folds to explain
  --methods "NAMES"     methods to compare
  --leader NAME         method that the others are compared with (default dax_v5)
  --queries N           black-box evaluations a method (default 2000)
  --few_queries N       the leader once more with so many (default 500; 0 skips)
  --again N             the leader once more with another seed, on at most so many clips a
                        condition (default 15; 0 skips)
  --n_recordings N      at most so many clips a condition, of those that are classified correctly
                        (default 40; 0 for all)
  --n_recordings_of "MODEL=N ..."  another number for some classifiers
  --device NAME         cpu, cuda, ... to train and to explain on (default: the settings')
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command="recipes/esc10/protocol.sh$(printf " %q" "$@")"
source "$here/../options.sh"
corpus="" exp_dir="" models="resnet18 resnet101_cpu" conf="$here/conf" device=""
paddings="white pink other_classes" seeds="0 1" train_folds="1 2 3" test_folds="4"
methods="dax_v5 dax_v4 lime kernel_shap rise occlusion random energy all_ones oracle" leader=dax_v5
queries=2000 few_queries=500 again=15 n_recordings=40 n_recordings_of=""

parse_options "corpus exp_dir models conf paddings seeds train_folds test_folds methods leader queries \
few_queries again n_recordings n_recordings_of device" "$@"
need corpus exp_dir
check_numbers queries few_queries again n_recordings
for seed in $seeds; do check_number seeds "$seed"; done
for padding in $paddings; do
  case "$padding" in
    white | pink | other_classes) ;;
    *) fail "padding '$padding' is unknown; choose from white, pink, other_classes" ;;
  esac
done
for model in $models; do [ -f "$conf/$model.yaml" ] || fail "no settings $conf/$model.yaml"; done
for pair in $n_recordings_of; do
  case "$pair" in
    *=*[!0-9]* | *= | =*) fail "--n_recordings_of takes MODEL=N, got '$pair'" ;;
    *=*) case " $models " in *" ${pair%%=*} "*) ;; *) fail "'$pair' names none of the models" ;; esac ;;
    *) fail "--n_recordings_of takes MODEL=N, got '$pair'" ;;
  esac
done
case " $methods " in *" $leader "*) ;; *) fail "--leader $leader is none of --methods" ;; esac

find_python
on_device=()
[ -z "$device" ] || on_device=(--device "$device")

number_for() { # recordings to explain of a model
  local pair
  for pair in $n_recordings_of; do
    [ "${pair%%=*}" != "$1" ] || { echo "${pair#*=}"; return; }
  done
  echo "$n_recordings"
}

prepare() {
  echo "prepare data folders"
  daxaudio prepare esc10 --corpus "$corpus" --out "$exp_dir/data" \
    --train_folds "$train_folds" --test_folds "$test_folds"
}

pad() { # the same padded clips for every model and seed
  local noise="$padding"
  [ "$noise" != other_classes ] || noise="$exp_dir/data/train"
  echo "pad test clips: $padding"
  daxaudio pad "$exp_dir/data/test" --out "$exp_dir/data/test_$padding" --noise "$noise" \
    --config "$conf/${models%% *}.yaml" --seed 0
}

explain_by() { # SUBFOLDER SEED QUERIES CLIPS METHOD...: so many of the chosen clips, 0 for all
  local out="$folder/$1" own_seed="$2" own_queries="$3" clips=()
  [ "$4" -eq 0 ] || clips=(--n_recordings "$4")
  shift 4
  daxaudio explain "$folder/chosen" --model "$exp_dir/$model-seed$seed/model" --method "$@" \
    --events "$events" --out "$out" --config "$conf/$model.yaml" --queries "$own_queries" \
    --seed "$own_seed" ${clips[@]+"${clips[@]}"} ${on_device[@]+"${on_device[@]}"} --no_pictures
}

condition() {
  local folder="$exp_dir/$model-seed$seed/$padding"
  local padded="$exp_dir/data/test_$padding" events="$exp_dir/data/test_$padding/events.tsv"
  once "$exp_dir/data/test_$padding.done" "$of_padding" pad
  daxaudio train "$exp_dir/data/train" --test "$exp_dir/data/test" --config "$conf/$model.yaml" \
    --out "$exp_dir/$model-seed$seed/model" --seed "$seed" ${on_device[@]+"${on_device[@]}"}
  "$python" "$here/choose_clips.py" --data "$padded" --model "$exp_dir/$model-seed$seed/model" \
    --out "$folder" --config "$conf/$model.yaml" --n_recordings "$(number_for "$model")" \
    ${on_device[@]+"${on_device[@]}"}
  # shellcheck disable=SC2086
  explain_by explanations "$seed" "$queries" 0 $methods
  daxaudio score "$folder/explanations" --events "$events" --out "$folder"
  if [ "$few_queries" -gt 0 ]; then
    explain_by "explanations_$few_queries" "$seed" "$few_queries" 0 "$leader"
    daxaudio score "$folder/explanations_$few_queries" --events "$events" --out "$folder/few"
  fi
  if [ "$again" -gt 0 ]; then
    explain_by explanations_again "$((1000 + seed))" "$queries" "$again" "$leader"
  fi
}

models=$(echo $models) # one blank between names, none before the first
mkdir -p "$exp_dir/data"
printf '%s\n' "$command" >"$exp_dir/command.txt"
{
  echo "model,seed,padding"
  for model in $models; do for padding in $paddings; do for seed in $seeds; do
    echo "$model,$seed,$padding"
  done; done; done
} >"$exp_dir/conditions.csv"

of_data="$corpus | $train_folds | $test_folds"
of_padding="$of_data | $(cksum <"$conf/${models%% *}.yaml")"
once "$exp_dir/data/done" "$of_data" prepare
for seed in $seeds; do
  for padding in $paddings; do
    for model in $models; do
      echo "condition: $model, seed $seed, $padding"
      mkdir -p "$exp_dir/$model-seed$seed/$padding"
      once "$exp_dir/$model-seed$seed/$padding/done" "$of_padding | $(cksum <"$conf/$model.yaml") \
| $methods | $leader | $queries | $few_queries | $again | $(number_for "$model")" condition
    done
  done
done
echo "report"
"$python" "$here/protocol.py" --exp_dir "$exp_dir" --leader "$leader"
