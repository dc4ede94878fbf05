# What the recipes' scripts share: options, the Python that they start, stages and their times.
# A script sets `usage` and the defaults of its options, sources this file, and calls, in this order:
#   parse_options "corpus exp_dir stage ..." "$@"; need corpus exp_dir; check_stages 5;
#   check_numbers seed n_test; check_file config; find_python;
#   run_stage 1 "make the corpus" FUNCTION; ...; tell_times

# fail WORDS...: one line that says what is wrong with the options, and exit code 2
fail() {
  echo "${0##*/}: $*" >&2
  exit 2
}

# parse_options "NAMES" "$@": `--name value` sets the variable `name`, for the names that are listed
parse_options() {
  local known=" $1 "
  shift
  while [ $# -gt 0 ]; do
    case "$1" in -h | --help) usage; exit 0 ;; esac
    case "$1" in --?*) ;; *) fail "unknown option '$1' (see --help)" ;; esac
    case "$known" in *" ${1#--} "*) ;; *) fail "unknown option '$1' (see --help)" ;; esac
    [ $# -ge 2 ] && [ -n "${2// /}" ] || fail "$1 needs a value"
    case "$2" in --*) fail "$1 needs a value, got the option $2" ;; esac
    printf -v "${1#--}" '%s' "$2"
    shift 2
  done
}

# need NAMES...: options without a default
need() {
  local name
  for name in "$@"; do
    [ -n "${!name}" ] || fail "--$name is needed (see --help)"
  done
}

# check_number NAME VALUE: a whole number, or nothing where the option has no value
check_number() {
  case "$2" in *[!0-9]*) fail "--$1 takes whole numbers, got '$2'" ;; esac
}

# check_numbers NAMES...: options that are whole numbers
check_numbers() {
  local name
  for name in "$@"; do check_number "$name" "${!name}"; done
}

# check_file NAME: an option that names a file
check_file() { [ -f "${!1}" ] || fail "--$1: no file ${!1}"; }

# check_stages LAST: --stage and --stop_stage, from 1 to LAST (at most 9), at least one stage in all
check_stages() {
  local name
  n_stages="$1"
  for name in stage stop_stage; do
    case "${!name}" in
      [1-$n_stages]) ;;
      *) fail "--$name takes a number from 1 to $n_stages, got '${!name}'" ;;
    esac
  done
  [ "$stage" -le "$stop_stage" ] || fail "--stage $stage comes after --stop_stage $stop_stage"
}

# find_python: `python`, that of the project's environment unless PYTHON names another; `daxaudio`,
# this checkout's own, data preparation too; one line where it has not the packages that are needed
find_python() {
  local root missing
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  python="${PYTHON:-$root/.venv/bin/python}"
  [ -n "${PYTHON:-}" ] || command -v "$python" >/dev/null || python=python3
  command -v "$python" >/dev/null || fail "no Python '$python'; run \`make install\`"
  missing=$("$python" "$root/recipes/check_python.py" 2>&1) || fail "$missing"
  export PYTHONPATH="$root:$root/recipes/checkout${PYTHONPATH:+:$PYTHONPATH}"
}
daxaudio() { "$python" -m daxaudio.commands.main "$@"; }

# run_stage N NAME FUNCTION: call the function if the stage is asked for; tell its name and its time
run_stage() {
  [ "$stage" -le "$1" ] && [ "$stop_stage" -ge "$1" ] || return 0
  local began=$SECONDS
  echo "stage $1 of $n_stages: $2"
  "$3"
  stage_times+=("$(printf '%5d s  %s %s' $((SECONDS - began)) "$1" "$2")")
  echo "stage $1 of $n_stages took $((SECONDS - began)) s"
}
stage_times=()

# once FILE SETTINGS COMMAND...: run the command, unless FILE says that it was done with SETTINGS
once() {
  local file="$1" settings="$2"
  shift 2
  [ -f "$file" ] && [ "$(cat "$file")" = "$settings" ] && return
  rm -f "$file"
  "$@"
  printf '%s\n' "$settings" >"$file.part"
  mv "$file.part" "$file"
}

# tell_results: where the report of a recipe lies, once its last stage was run
tell_results() {
  [ "$stop_stage" -lt "$n_stages" ] || echo "
open in a browser: $exp_dir/report.html
tables to read:    $exp_dir/RESULTS.md"
}

# tell_times: a table of the stages that were run
tell_times() {
  [ ${#stage_times[@]} -gt 0 ] || return 0
  printf '\n%7s  %s\n' time stage
  printf '%s\n' "${stage_times[@]}"
  printf '%5d s  in all\n' "$SECONDS"
}
